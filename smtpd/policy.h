#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/common.h"
#include "mail/address.h"
#include "service/dns.h"
#include "smtp/data_reader.h"
#include "smtpd/backends.h"
#include "smtpd/client.h"
#include "smtpd/params.h"
#include "table/match_list.h"

namespace mta::smtpd {

struct Rule;

// smtpd_*_restrictions, and who is excepted from what.
class Policy {
public:
    // An Error for an unknown rule, naming the nearest, and for lists that would make an open relay.
    static Result<Policy> open(const Params& params, const config::Common& common);

    struct Services {
        Resolver& resolver;
        service::Dns& dns;
    };
    struct Verdict {
        std::string reply;                   // empty: go on; else the refusal for the client
        std::vector<std::string> warnings;   // refusals that would have been, but for warn_if_reject
        std::string recipient;               // check_recipient(): the address that mail goes to
    };
    // All rules up to RCPT, for one recipient.
    Verdict check_recipient(const Client& client, const mail::Address& sender, const mail::Address& recipient, Services services) const;
    // smtpd_data_restrictions.
    Verdict check_data(const Client& client, const mail::Address& sender, Services services) const;

    // smtpd_end_of_data_restrictions.
    Verdict check_end_of_data(const Client& client, const mail::Address& sender, Services services) const;

    // smtpd_forbid_bare_newline for this client.
    smtp::BareNewline bare_newline_for(const Client& client) const;
    // Lists and tables of clients that were replaced are read again.
    void renew();
    Result<bool> is_in_mynetworks(const Client& client) const;
    bool is_debugged(const Client& client) const;  // debug_peer_list

private:
    friend class Evaluation;
    struct Step {
        const Rule* rule;
        bool only_warns;                     // behind warn_if_reject
    };
    using Steps = std::vector<Step>;
    explicit Policy(const Params& params) : params_(&params) {}
    static Result<Steps> parse(std::string_view parameter, const std::vector<std::string>& words);
    static bool is_safe(const Steps& steps);

    const Params* params_;
    Result<void> open_lists(const config::Common& common);
    table::MatchList mynetworks_, bare_newline_exclusions_, debug_peers_;
    smtp::BareNewline bare_newline_ = smtp::BareNewline::reject;
    Steps client_, helo_, sender_, relay_, recipient_, data_, end_of_data_;
};

}  // namespace mta::smtpd
