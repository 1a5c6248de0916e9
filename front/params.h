#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "config/config.h"
#include "config/limit.h"
#include "service/session_params.h"
#include "tls/params.h"

namespace mta::front {

// The clients of one program: PREFIX is smtpd, imapd or pop3d. Values of the latter two default to smtpd's where they mean the same.
struct ClientParams : config::Group {
    ClientParams(const config::Config& config, std::string_view prefix) : Group(config), prefix_(prefix) {}

private:
    std::string prefix_;
    bool is_smtpd() const { return prefix_ == "smtpd"; }
    std::string named(std::string_view name) const { return cat(prefix_, "_", name); }
    std::string inherited(std::string_view name, std::string_view value) const
    {
        return is_smtpd() ? std::string(value) : cat("$smtpd_", name);
    }

public:
    config::Param<std::string> banner{*this, named("banner"), is_smtpd() ? "$myhostname ESMTP $mail_name" : "$mail_name ready.",
        "The text of the greeting; with SMTP the host name must come first."};
    config::Param<std::chrono::seconds> timeout{*this, is_smtpd() ? "smtpd_timeout" : named("login_timeout"), is_smtpd() ? "300s" : "60s",
        "How long a client may take for one whole command, however it is dripping; imapd and pop3d: before login."};
    config::Param<std::chrono::seconds> starttls_timeout{*this, named("starttls_timeout"), inherited("starttls_timeout", "60s"),
        "How long a client may take for the TLS handshake."};
    config::Param<long> connection_count_limit{*this, named("client_connection_count_limit"), inherited("client_connection_count_limit", "20"),
        "The most connections of one client at the same time; imapd and pop3d: before login. 0: no limit. Postfix: 50."};
    config::Param<config::Limit> network_connection_count_limit{*this, named("client_network_connection_count_limit"),
        inherited("client_network_connection_count_limit", "60"),
        "The most connections from one network (an IPv4 /24, an IPv6 /48) at the same time; imapd and pop3d: before login."};
    config::Param<config::Limit> connection_total_limit{*this, named("client_connection_total_limit"), inherited("client_connection_total_limit", "10000"),
        "The most connections of one service at the same time."};
    config::Param<config::Limit> connection_reserve{*this, named("client_connection_reserve"), inherited("client_connection_reserve", "10"),
        "The percentage of the total limit that is kept for clients that have logged in or sent a mail that was accepted, within a day, and for those without limits."};
    config::Param<long> connection_rate_limit{*this, named("client_connection_rate_limit"), inherited("client_connection_rate_limit", "60"),
        "The most connections of one client per anvil_rate_time_unit; 0: no limit. Postfix: 0."};
    config::Param<config::Limit> connection_burst_limit{*this, named("client_connection_burst_limit"), inherited("client_connection_burst_limit", "20"),
        "The most connections of one client at once, from where they must keep to the average of client_connection_rate_limit."};
    config::Param<long> auth_rate_limit{*this, named("client_auth_rate_limit"), inherited("client_auth_rate_limit", "0"),
        "The most login attempts of one client per anvil_rate_time_unit; 0: no limit."};
    config::Param<long> new_tls_session_rate_limit{*this, named("client_new_tls_session_rate_limit"), inherited("client_new_tls_session_rate_limit", "0"),
        "The most TLS handshakes of one client per anvil_rate_time_unit that resume no session; 0: no limit."};
    config::Param<std::vector<std::string>> event_limit_exceptions{*this, named("client_event_limit_exceptions"), inherited("client_event_limit_exceptions", "$mynetworks"),
        "Clients without these limits: addresses and networks."};
    config::Param<long> ipv4_prefix_length{*this, named("client_ipv4_prefix_length"), inherited("client_ipv4_prefix_length", "32"),
        "The leading bits of an IPv4 address that make a client."};
    config::Param<long> ipv6_prefix_length{*this, named("client_ipv6_prefix_length"), inherited("client_ipv6_prefix_length", "64"),
        "The leading bits of an IPv6 address that make a client."};
    config::Param<bool> peername_lookup{*this, named("peername_lookup"), is_smtpd() ? "yes" : "no",
        "Look up the client's host name by its address."};
    config::Param<std::string> sasl_path{*this, named("sasl_path"), inherited("sasl_path", "private/auth"),
        "The socket of the authentication service, ours or Dovecot's (that only for smtpd); relative to queue_directory."};
};

// What only smtpd has.
struct SmtpParams : config::Group {
    using Group::Group;
    service::SmtpSessionParams session{config()};
    config::Param<bool> sasl_auth_enable{*this, "smtpd_sasl_auth_enable", "no", "Offer AUTH."};
    config::Param<std::vector<std::string>> sasl_security_options{*this, "smtpd_sasl_security_options", "noanonymous", "What mechanisms must not be: noplaintext, noanonymous."};
    config::Param<std::vector<std::string>> sasl_tls_security_options{*this, "smtpd_sasl_tls_security_options", "$smtpd_sasl_security_options", "The same inside TLS."};
    config::Param<bool> broken_sasl_auth_clients{*this, "broken_sasl_auth_clients", "no", "Announce AUTH also in the form \"AUTH=\" for very old clients."};
    config::Param<std::vector<std::string>> sasl_exceptions_networks{*this, "smtpd_sasl_exceptions_networks", "", "Networks whose clients are not offered AUTH."};
    config::Param<std::vector<std::string>> discard_ehlo_keywords{*this, "smtpd_discard_ehlo_keywords", "", "Extensions that are not announced: pipelining, size, starttls, auth, silent-discard..."};
    config::Param<std::vector<std::string>> forbidden_commands{*this, "smtpd_forbidden_commands", "CONNECT GET POST HEAD PUT OPTIONS", "Words at the start of a line that end the connection at once: the client speaks another protocol."};
};

// What only imapd and pop3d have: PREFIX is their name.
struct LoginParams : config::Group {
    LoginParams(const config::Config& config, std::string_view prefix) : Group(config), prefix_(prefix) {}

private:
    std::string prefix_;
    std::string named(std::string_view name) const { return cat(prefix_, "_", name); }

public:
    config::Param<config::Limit> error_limit{*this, named("login_error_limit"), "10",
        "The number of errors and failed logins after which a client that has not logged in is disconnected."};
    config::Param<config::Limit> unknown_command_limit{*this, named("login_unknown_command_limit"), "3",
        "The number of unknown commands after which a client that has not logged in is disconnected."};
};

// What counts for all services.
struct CommonParams : config::Group {
    using Group::Group;
    service::ClientMemoryParams memory{config()};
    config::Param<std::chrono::seconds> rate_time_unit{*this, "anvil_rate_time_unit", "60s", "The time over which connections, logins and TLS sessions are counted."};
    config::Param<std::string> login_syslog_name{*this, "login_syslog_name", "dovecot", "The tag of the log lines about IMAP and POP3 logins, by which log tools such as fail2ban find them."};
};

// All parameters of front, whatever protocol it speaks.
struct Params : config::Group {
    explicit Params(const config::Config& config)
        : Group(config), common(config), smtp(config), imap(config), imapd_login(config, "imapd"), pop3d_login(config, "pop3d"), smtpd_tls(config, "smtpd"), imapd_tls(config, "imapd"), pop3d_tls(config, "pop3d"),
          smtpd(config, "smtpd"), imapd(config, "imapd"), pop3d(config, "pop3d")
    {
    }
    CommonParams common;
    SmtpParams smtp;
    service::ImapSessionParams imap;
    LoginParams imapd_login, pop3d_login;
    tls::ServerParams smtpd_tls, imapd_tls, pop3d_tls;
    ClientParams smtpd, imapd, pop3d;
};

}  // namespace mta::front
