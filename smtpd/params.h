#pragma once

#include "config/config.h"
#include "config/limit.h"
#include "service/session_params.h"

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
    config::Param<bool> soft_bounce{*this, "soft_bounce", "no", "Refuse only temporarily: 4xx for each 5xx, while a configuration is tried out."};

    service::SmtpSessionParams session{config()};
    service::ClientMemoryParams memory{config()};
    config::Param<std::chrono::seconds> timeout{*this, "smtpd_timeout", "300s",
        "How long a client may take for one whole command, however it is dripping; imapd and pop3d: before login."};
    config::Param<long> min_data_rate{*this, "smtpd_min_data_rate", "500",
        "The bytes per second of a message that a client must send on average, from smtpd_data_grace_time on. What it has sent faster "
        "makes up for silence of at most smtpd_timeout. 0: no rate. In Postfix it is on only with smtpd_per_request_deadline."};
    config::Param<config::TimeLimit> data_grace_time{*this, "smtpd_data_grace_time", "30s",
        "How long a client may fall behind smtpd_min_data_rate from the beginning of a message; none: smtpd_timeout, as in Postfix."};
    config::Param<config::TimeLimit> data_time_limit{*this, "smtpd_data_time_limit", "1800s",
        "How long a client may take for all of a message, however fast it is."};
    config::Param<std::chrono::milliseconds> worker_idle_time{*this, "smtpd_worker_idle_time", "1s",
        "How long a client may be silent between mails before its worker process takes another client."};
    config::Param<long> hopcount_limit{*this, "hopcount_limit", "50", "The number of Received: fields at which a message is in a loop and refused."};
    config::Param<std::string> forbid_bare_newline{*this, "smtpd_forbid_bare_newline", "reject",
        "What to do with a CR or LF that is not part of CRLF: reject; normalize (or yes), which makes a line end of LF and a space of CR; "
        "note, which logs that, too; no. Only CRLF.CRLF ends a message in any case."};
    config::Param<std::vector<std::string>> forbid_bare_newline_exclusions{*this, "smtpd_forbid_bare_newline_exclusions", "$mynetworks",
        "Clients for which smtpd_forbid_bare_newline is no."};

    config::Param<bool> tls_received_header{*this, "smtpd_tls_received_header", "no", "Write TLS version and cipher into Received: fields."};
    config::Param<bool> sasl_authenticated_header{*this, "smtpd_sasl_authenticated_header", "no",
        "Write the name of the user who has logged in into Received: fields."};
};

}  // namespace mta::smtpd
