#pragma once

#include "config/config.h"
#include "config/limit.h"

namespace mta::smtpd {

// What the worker reads; greeting, TLS, AUTH and the limits on connections are front's.
struct Params : config::Group {
    using Group::Group;
    config::Param<std::vector<std::string>> relay_restrictions{*this, "smtpd_relay_restrictions",
        "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
        "Who may send mail to other hosts: rules for each recipient, before smtpd_recipient_restrictions."};
    config::Param<std::vector<std::string>> recipient_restrictions{*this, "smtpd_recipient_restrictions", "", "Rules for each recipient."};
    config::Param<std::vector<std::string>> client_restrictions{*this, "smtpd_client_restrictions", "",
        "Rules about the client; like the following two they are asked when it names a recipient."};
    config::Param<std::vector<std::string>> helo_restrictions{*this, "smtpd_helo_restrictions", "", "Rules about the client's HELO or EHLO."};
    config::Param<std::vector<std::string>> sender_restrictions{*this, "smtpd_sender_restrictions", "", "Rules about the reverse-path."};
    config::Param<std::vector<std::string>> data_restrictions{*this, "smtpd_data_restrictions", "", "Rules that are asked at DATA."};
    config::Param<std::vector<std::string>> parent_domain_matches_subdomains{*this, "parent_domain_matches_subdomains",
        "mynetworks, relay_domains",
        "The parameters in whose lists and tables example.com is also a.example.com; in the others that is .example.com. There are mynetworks, relay_domains and transport_maps."};
    config::Param<bool> reject_unlisted_recipient{*this, "smtpd_reject_unlisted_recipient", "yes",
        "Refuse recipients that do not exist, whoever the client is."};
    config::Param<std::vector<std::string>> end_of_data_restrictions{*this, "smtpd_end_of_data_restrictions", "",
        "Rules that are asked when the whole message is there."};
    config::Param<bool> show_user_unknown_table_name{*this, "show_user_unknown_table_name", "yes",
        "Say in which table a recipient was not found."};
    config::Param<bool> helo_required{*this, "smtpd_helo_required", "no", "Refuse MAIL before HELO or EHLO."};
    config::Param<bool> strict_envelopes{*this, "strict_rfc821_envelopes", "no", "Refuse addresses without <> in MAIL and RCPT."};
    config::Param<bool> disable_vrfy_command{*this, "disable_vrfy_command", "no", "Do not answer VRFY."};
    config::Param<bool> soft_bounce{*this, "soft_bounce", "no", "Refuse only temporarily: 4xx for each 5xx, while a configuration is tried out."};

    config::Param<std::chrono::seconds> timeout{*this, "smtpd_timeout", "300s",
        "How long a client may take for one whole command, however it is dripping; imapd and pop3d: before login."};
    config::Param<long> min_data_rate{*this, "smtpd_min_data_rate", "500",
        "The bytes per second by which a client earns more time than smtpd_timeout for a message."};
    config::Param<config::TimeLimit> data_time_limit{*this, "smtpd_data_time_limit", "1800s",
        "How long a client may take for all of a message, however fast it is."};
    config::Param<std::chrono::milliseconds> worker_idle_time{*this, "smtpd_worker_idle_time", "1s",
        "How long a client may be silent between mails before its worker process takes another client."};
    config::Param<long> recipient_limit{*this, "smtpd_recipient_limit", "1000", "The most recipients of a mail; those above it are deferred."};
    config::Param<config::Limit> anonymous_recipient_limit{*this, "smtpd_anonymous_recipient_limit", "100",
        "The same for clients that have not logged in and are not in mynetworks. RFC 5321 wants 100 at least."};
    config::Param<config::Limit> session_message_limit{*this, "smtpd_session_message_limit", "1000", "The most mails in one session."};
    config::Param<config::Limit> anonymous_session_message_limit{*this, "smtpd_anonymous_session_message_limit", "100",
        "The same for clients that have not logged in and are not in mynetworks."};
    config::Param<config::Limit> client_memory_limit{*this, "client_memory_limit", "65536",
        "The bytes that are kept for a client that has not logged in: what it has sent, what it does not take, its recipients."};
    config::Param<config::Limit> authenticated_client_memory_limit{*this, "authenticated_client_memory_limit", "4194304",
        "The bytes that are kept for a client that has logged in; messages do not count, as they are passed on in pieces."};
    config::Param<long> hopcount_limit{*this, "hopcount_limit", "50", "The number of Received: fields at which a message is in a loop and refused."};
    config::Param<long> soft_error_limit{*this, "smtpd_soft_error_limit", "5", "The number of errors after which replies come late. Postfix: 10."};
    config::Param<long> hard_error_limit{*this, "smtpd_hard_error_limit", "10", "The number of errors after which a client is disconnected. Postfix: 20."};
    config::Param<config::Limit> unknown_command_limit{*this, "smtpd_unknown_command_limit", "3",
        "The number of unknown commands after which a client is disconnected that has not logged in and is not in mynetworks."};
    config::Param<long> junk_command_limit{*this, "smtpd_junk_command_limit", "100",
        "The number of NOOP, RSET, VRFY, HELO and the like after which each counts as an error."};
    config::Param<std::chrono::seconds> error_sleep_time{*this, "smtpd_error_sleep_time", "1s", "How late replies come after too many errors."};
    config::Param<bool> forbid_unauth_pipelining{*this, "smtpd_forbid_unauth_pipelining", "yes",
        "Disconnect clients that send on where they have to wait for a reply."};
    config::Param<std::string> forbid_bare_newline{*this, "smtpd_forbid_bare_newline", "reject",
        "What to do with a CR or LF that is not part of CRLF: reject; normalize (or yes), which makes a line end of LF and a space of CR; "
        "note, which logs that, too; no. Only CRLF.CRLF ends a message in any case."};
    config::Param<std::vector<std::string>> forbid_bare_newline_exclusions{*this, "smtpd_forbid_bare_newline_exclusions", "$mynetworks",
        "Clients for which smtpd_forbid_bare_newline is no."};

    config::Param<bool> tls_received_header{*this, "smtpd_tls_received_header", "no", "Write TLS version and cipher into Received: fields."};
    config::Param<bool> sasl_authenticated_header{*this, "smtpd_sasl_authenticated_header", "no",
        "Write the name of the user who has logged in into Received: fields."};
    config::Param<bool> client_port_logging{*this, "smtpd_client_port_logging", "no", "Log the client's port, too."};
};

}  // namespace mta::smtpd
