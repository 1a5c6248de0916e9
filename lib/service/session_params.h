#pragma once

#include <chrono>

#include "config/config.h"
#include "config/limit.h"

// What front and a worker both read, as each of them has a part of a client's session.
namespace mta::service {

struct UserMemoryParams : config::Group {
    using Group::Group;
    config::Param<config::Limit> limit{*this, "authenticated_client_memory_limit", "4194304",
        "The bytes that are kept for a client that has logged in; messages do not count, as they are passed on in pieces."};
};

struct ClientMemoryParams : config::Group {
    using Group::Group;
    config::Param<config::Limit> limit{*this, "client_memory_limit", "65536",
        "The bytes that are kept for a client that has not logged in: what it has sent, what it does not take, its recipients."};
    UserMemoryParams user{config()};

    const config::Limit& limit_for(bool is_known) const { return is_known ? user.limit() : limit(); }
};

struct SmtpSessionParams : config::Group {
    using Group::Group;
    config::Param<long> soft_error_limit{*this, "smtpd_soft_error_limit", "5", "The number of errors after which replies come late. Postfix: 10."};
    config::Param<long> hard_error_limit{*this, "smtpd_hard_error_limit", "10", "The number of errors after which a client is disconnected. Postfix: 20."};
    config::Param<config::Limit> unknown_command_limit{*this, "smtpd_unknown_command_limit", "3",
        "The number of unknown commands after which a client is disconnected that has not logged in and is not in mynetworks."};
    config::Param<long> junk_command_limit{*this, "smtpd_junk_command_limit", "100",
        "The number of NOOP, RSET, VRFY, HELO and the like after which each counts as an error."};
    config::Param<std::chrono::seconds> error_sleep_time{*this, "smtpd_error_sleep_time", "1s", "How late replies come after too many errors."};
    config::Param<long> recipient_limit{*this, "smtpd_recipient_limit", "1000", "The most recipients of a mail; those above it are deferred."};
    config::Param<config::Limit> anonymous_recipient_limit{*this, "smtpd_anonymous_recipient_limit", "100",
        "The same for clients that have not logged in and are not in mynetworks. RFC 5321 wants 100 at least."};
    config::Param<config::Limit> message_limit{*this, "smtpd_session_message_limit", "1000", "The most mails in one session."};
    config::Param<config::Limit> anonymous_message_limit{*this, "smtpd_anonymous_session_message_limit", "100",
        "The same for clients that have not logged in and are not in mynetworks."};
    config::Param<bool> disable_vrfy_command{*this, "disable_vrfy_command", "no", "Do not answer VRFY."};
    config::Param<bool> forbid_unauth_pipelining{*this, "smtpd_forbid_unauth_pipelining", "yes",
        "Disconnect clients that send on where they have to wait for a reply."};
    config::Param<bool> client_port_logging{*this, "smtpd_client_port_logging", "no", "Log the client's port, too."};
};

struct ImapSessionParams : config::Group {
    using Group::Group;
    config::Param<std::chrono::seconds> timeout{*this, "imapd_timeout", "1800s",
        "How long a client may say nothing, also in IDLE, before it is logged out. RFC 3501 wants 30 minutes at least."};
    config::Param<std::chrono::seconds> idle_notify_interval{*this, "imapd_idle_notify_interval", "120s",
        "How often a client in IDLE is told that the server is still here."};
};

}  // namespace mta::service
