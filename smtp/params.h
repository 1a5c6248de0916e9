#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "config/config.h"
#include "mime/params.h"
#include "tls/params.h"

namespace mta::smtpc {

// The parameters of the SMTP client, and with the prefix lmtp those of the LMTP client.
struct Params : config::Group {
    Params(const config::Config& config, std::string_view prefix) : Group(config), prefix_(prefix) {}
    const std::string& prefix() const { return prefix_; }  // "smtp"

private:
    using Text = config::Param<std::string>;
    using Flag = config::Param<bool>;
    using Number = config::Param<long>;
    using Time = config::Param<std::chrono::seconds>;
    using List = config::Param<std::vector<std::string>>;
    std::string prefix_;
    bool is_lmtp() const { return prefix_ == "lmtp"; }
    std::string named(std::string_view name) const { return cat(prefix_, "_", name); }
    std::string either(std::string_view smtp, std::string_view lmtp) const { return std::string(is_lmtp() ? lmtp : smtp); }

public:
    Text tcp_port{*this, named("tcp_port"), either("smtp", "24"), "The port where no destination names one: a number, or smtp, submission, lmtp."};
    List connect_ports{*this, named("connect_ports"), "",
        "The ports that this client may connect to, enforced by the kernel if it can (Landlock version 4); empty: any, since any may be in a transport table."};
    Text helo_name{*this, named(either("helo_name", "lhlo_name")), "$myhostname", "The name that this client says of itself in HELO, EHLO or LHLO."};
    Time connect_timeout{*this, named("connect_timeout"), "30s", "How long to wait for a connection."};
    Time helo_timeout{*this, named(either("helo_timeout", "lhlo_timeout")), "300s", "How long to wait for the greeting, and for the reply to HELO, EHLO or LHLO."};
    Time starttls_timeout{*this, named("starttls_timeout"), "300s", "How long STARTTLS and the TLS handshake may take."};
    Time mail_timeout{*this, named("mail_timeout"), "300s", "How long to wait for the reply to MAIL FROM."};
    Time rcpt_timeout{*this, named("rcpt_timeout"), "300s", "How long to wait for the reply to RCPT TO."};
    Time data_init_timeout{*this, named("data_init_timeout"), "120s", "How long to wait for the reply to DATA."};
    Time data_xfer_timeout{*this, named("data_xfer_timeout"), "180s", "How long a part of the message may take to be sent."};
    Time data_done_timeout{*this, named("data_done_timeout"), "600s", "How long to wait for the reply to the end of the message."};
    Time rset_timeout{*this, named("rset_timeout"), "20s", "How long to wait for the reply to RSET."};
    Time quit_timeout{*this, named("quit_timeout"), "300s", "How long to wait for the reply to QUIT."};
    Flag skip_quit_response{*this, named("skip_quit_response"), either("yes", "no"), "Do not wait for the reply to QUIT."};
    Number mx_address_limit{*this, named("mx_address_limit"), "5", "The most addresses of a destination that are tried in one attempt; 0: no limit."};
    Number mx_session_limit{*this, named("mx_session_limit"), "2", "The most sessions with servers of a destination in one attempt; 0: no limit."};
    Flag randomize_addresses{*this, named("randomize_addresses"), "yes", "Try servers of equal preference in random order."};
    Text address_preference{*this, named("address_preference"), "any", "Which addresses of equal preference come first: any, ipv4, ipv6."};
    Flag balance_inet_protocols{*this, named("balance_inet_protocols"), "yes", "Keep addresses of both protocols when mx_address_limit cuts the list."};
    Flag ignore_mx_lookup_error{*this, "ignore_mx_lookup_error", "no", "Look up the address of the domain itself when its MX records cannot be looked up."};
    Flag defer_if_no_mx_address_found{*this, named("defer_if_no_mx_address_found"), "no", "Defer mail, instead of returning it, when no host of the MX records has an address."};
    List fallback_relay{*this, named("fallback_relay"), "", "Destinations to try when the real one is not found or fails for now."};
    Flag skip_5xx_greeting{*this, named("skip_5xx_greeting"), "yes", "Go on to the next server when one greets with a 5xx code; otherwise the mail is returned."};
    Text bind_address{*this, named("bind_address"), "", "The IPv4 address to connect from."};
    Text bind_address6{*this, named("bind_address6"), "", "The IPv6 address to connect from."};
    Flag connection_cache_on_demand{*this, named("connection_cache_on_demand"), "yes", "Keep a session for the next mail while there is more for the same destination."};
    Time connection_reuse_time_limit{*this, named("connection_reuse_time_limit"), "300s", "How long a session may be used for further mail."};
    Number connection_reuse_count_limit{*this, named("connection_reuse_count_limit"), "0", "How many mails one session may carry; 0: no limit."};
    Number line_length_limit{*this, named("line_length_limit"), "998", "Longer lines of a message are folded; 0: no limit."};
    Flag disable_mime_output_conversion{*this, "disable_mime_output_conversion", "no", "Send 8bit parts as they are to servers that do not announce 8BITMIME."};
    List discard_ehlo_keywords{*this, named(either("discard_ehlo_keywords", "discard_lhlo_keywords")), "", "Extensions of servers to be ignored, like pipelining or starttls."};
    List proxy_interfaces{*this, "proxy_interfaces", "", "Addresses that other hosts reach this host at by way of a proxy or NAT."};
    Text tls_security_level{*this, named("tls_security_level"), either("may", "none"),
        "none: no TLS. may: TLS if the server offers it. encrypt: nothing without TLS. verify: the certificate must be for the server's name. "
        "secure: it must be for the destination's domain."};
    Flag sasl_auth_enable{*this, named("sasl_auth_enable"), "no", "Log in to servers that have an entry in the password table."};
    List sasl_password_maps{*this, named("sasl_password_maps"), "", "Tables with user:password by destination, as in main.cf or without brackets and port."};
    List sasl_security_options{*this, named("sasl_security_options"), "noplaintext, noanonymous", "noplaintext: no passwords without TLS. noanonymous is always so."};
    List sasl_tls_security_options{*this, named("sasl_tls_security_options"), "noanonymous", "The same for sessions with TLS."};
    mime::Params mime{config()};
    List sasl_mechanism_filter{*this, named("sasl_mechanism_filter"), "", "The login methods that may be used: plain, login; empty: both."};
    Flag sasl_auth_soft_bounce{*this, named("sasl_auth_soft_bounce"), "yes", "Defer mail, instead of returning it, when a server refuses the login."};
};

// All parameters of the program under each of its names; these are what postconf finds.
struct SmtpParams : config::Group {
    using Group::Group;
    Params client{config(), "smtp"};
    tls::ClientParams tls{config(), "smtp"};
};
struct LmtpParams : config::Group {
    using Group::Group;
    Params client{config(), "lmtp"};
    tls::ClientParams tls{config(), "lmtp"};
};

}  // namespace mta::smtpc
