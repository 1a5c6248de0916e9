#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "smtpd/policy.h"

namespace mta::smtpd {

// What a rule says: no opinion, a permission that ends its list, or a refusal.
struct Opinion {
    enum class Kind { none, permit, refuse };
    Kind kind = Kind::none;
    std::string reply;
};

// What a list of rules is about: the default object of its refusals.
enum class Stage { client, helo, sender, recipient, data, end_of_data };

// The rules' view of one question: who, from whom, to whom. Asks each service at most once.
class Evaluation {
public:
    Evaluation(const Policy& policy, const Client& client, const mail::Address& sender, const mail::Address* recipient, Policy::Services services)
        : policy_(policy), client_(client), sender_(sender), recipient_(recipient), services_(services)
    {
    }

    // False when a rule refused, with the verdict's reply set.
    bool run(Stage stage, const Policy::Steps& steps, Policy::Verdict& verdict);
    // reject_unlisted_recipient, as it is asked for every recipient in the end.
    Opinion reject_unlisted_recipient();
    // The recipient in the form that rewriting gave it.
    std::string final_recipient();

    // The rules, under the names that main.cf knows them by.
    Opinion permit();
    Opinion reject();
    Opinion defer();
    Opinion permit_mynetworks();
    Opinion permit_sasl_authenticated();
    Opinion permit_auth_destination();
    Opinion reject_unauth_destination();
    Opinion defer_unauth_destination();
    Opinion reject_non_fqdn_sender();
    Opinion reject_non_fqdn_recipient();
    Opinion reject_non_fqdn_helo_hostname();
    Opinion reject_invalid_helo_hostname();
    Opinion reject_unknown_client_hostname();
    Opinion reject_unknown_reverse_client_hostname();
    Opinion reject_unknown_sender_domain();
    Opinion reject_unknown_recipient_domain();
    Opinion reject_unauth_pipelining();

private:
    enum class Standing { ours, foreign, unknown };
    static Opinion go_on() { return {}; }
    static Opinion refuse(std::string reply) { return {Opinion::Kind::refuse, std::move(reply)}; }
    Opinion refuse(std::string_view code, Stage about, std::string_view why) const;
    Opinion cannot_tell(Stage about) const;
    std::string object_of(Stage stage) const;
    const Result<service::Resolved>& resolved();
    // Whether mail for the recipient is accepted from anybody; unknown if nobody can tell now.
    Standing destination();
    Opinion unauth_destination(std::string_view code);
    Opinion unknown_domain(const mail::Address& address, Stage about, std::string_view status);

    const Policy& policy_;
    const Client& client_;
    const mail::Address& sender_;
    const mail::Address* recipient_;
    Policy::Services services_;
    Stage stage_ = Stage::recipient;
    std::optional<Result<service::Resolved>> resolved_;
};

struct Rule {
    std::string_view name;
    Opinion (Evaluation::*ask)();
    bool closes_relay;     // a list with it is no open relay
};

// All rules, in the order of the manual.
const std::vector<Rule>& all_rules();

}  // namespace mta::smtpd
