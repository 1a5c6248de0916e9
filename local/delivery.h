#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deliver/agent.h"
#include "deliver/command.h"
#include "deliver/content.h"
#include "local/members.h"
#include "local/params.h"
#include "service/submission.h"
#include "table/maps.h"
#include "table/match_list.h"

namespace mta::local {

// What a worker has from its parent, opened before it became somebody.
struct Tools {
    const config::Common& common;
    const Params& params;
    table::Maps aliases;
    table::MatchList mydestination;
    service::Submission cleanup;   // connected before
};

// One recipient: an alias, a user with a .forward, or a user's mailbox. Runs as that user, or as default_privs for aliases.
class Delivery {
public:
    Delivery(Tools& tools, deliver::Job& job, std::size_t index);
    deliver::Outcome run();

private:
    enum class Source { alias, forward, include };
    struct Expansion {
        std::vector<std::string> addresses;
        std::vector<std::pair<Source, Member>> actions;  // commands and files
        bool to_mailbox = false;   // the user himself is among the members
        int files = 0;             // that were read
    };

    Result<std::optional<std::string>> find_alias() const;
    deliver::Outcome deliver_alias(const std::string& value);
    deliver::Outcome deliver_user();
    Result<std::optional<std::string>> read_forward(const daemon::User& user) const;
    Result<void> expand(const std::vector<Member>& members, Source source, std::uint64_t depth, Expansion& into) const;
    bool is_self(const std::string& address) const;
    deliver::Outcome carry_out(const Expansion& expansion, const daemon::User* user);
    deliver::Outcome act(Source source, const Member& member, const daemon::User* user);
    deliver::Outcome to_command(const std::string& command, const daemon::User* user);
    deliver::Outcome to_file(const std::string& path);
    deliver::Outcome to_maildir(const std::string& path);
    deliver::Outcome to_mailbox(const daemon::User& user);
    deliver::Outcome forward(const std::vector<std::string>& addresses);
    Result<std::string> sender_for_forwarding() const;
    std::string leading(bool from_line) const;
    deliver::Content content(const std::string& lines, const deliver::ContentForm& form) const;

    Tools& tools_;
    deliver::Job& job_;
    const service::DeliveryRecipient& recipient_;
    std::string local_part_, user_name_, extension_;
    bool no_alias_ = false;
    std::string alias_name_;       // the key that matched
};

}  // namespace mta::local
