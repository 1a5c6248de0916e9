#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "auth/user_params.h"
#include "config/limit.h"

namespace mta::auth {

// What the auth daemon reads from main.cf.
struct Params : config::Group {
    using Group::Group;
    UserParams user{config()};
    config::Param<std::vector<std::string>> mechanisms{*this, "auth_mechanisms", "plain login scram-sha-256",
        "The SASL mechanisms that are offered, in this order."};
    config::Param<std::string> mail_location{*this, "auth_mail_location", "maildir:%h/Maildir",
        "Where a user's mail is, for imapd and pop3d: %u user, %n its part before the @, %d behind it, %h home directory; an entry's userdb_mail= comes first."};
    config::Param<std::string> default_uid{*this, "auth_default_uid", "$virtual_uid_maps",
        "The user ID of mailboxes whose entry has none: a number, or static:number."};
    config::Param<std::string> default_gid{*this, "auth_default_gid", "$virtual_gid_maps",
        "The group ID of mailboxes whose entry has none: a number, or static:number."};
    config::Param<long> workers{*this, "auth_workers", "2", "The number of processes that look up users and compute password hashes."};
    config::Param<std::chrono::milliseconds> failure_delay{*this, "auth_failure_delay", "1500ms",
        "How long every failed login has to wait for its answer."};
    config::Param<config::Limit> failure_minute_limit{*this, "auth_failure_minute_limit", "10",
        "The most failed logins of a client (an IPv4 address, an IPv6 /64) in a minute; the next ones fail unseen. Users who have logged in from there may go on."};
    config::Param<config::Limit> failure_day_limit{*this, "auth_failure_day_limit", "50", "The same in a day."};
    config::Param<std::chrono::milliseconds> penalty_limit{*this, "auth_penalty_limit", "15s",
        "The longest additional delay of logins of a client or user with many failures; it doubles with each of them."};
};

}  // namespace mta::auth
