#pragma once

#include <cstdint>
#include <optional>
#include <string>

// What front tells a worker about a client connection, and the worker tells front when it gives the session back. Travels
// with the TCP descriptor (no TLS) or with one end of a socketpair that front keeps feeding (TLS).
namespace mta::service {

struct Session {
    std::string protocol;          // "smtp", "imap", "pop3"
    std::string client_name;       // verified host name, or "unknown"
    std::string client_address;    // "192.0.2.1", "2001:db8::1"
    long client_port = 0;
    std::string server_address;
    long server_port = 0;
    std::string reverse_name;      // what the PTR record says, verified or not; "unknown"
    std::string helo;              // empty before HELO/EHLO
    bool esmtp = false;            // EHLO, not HELO
    std::string tls_protocol;      // "TLSv1.3"; empty without TLS
    std::string tls_cipher;        // "TLS_AES_256_GCM_SHA384"
    long tls_bits = 0;             // used key bits
    long tls_algorithm_bits = 0;
    std::string sasl_method;       // empty without authentication
    std::string sasl_username;
    std::string ticket;            // for user, uid, home: of auth, once; of a session that came back: see service/return_ticket.h
    std::string counters;          // for the disconnect line: "ehlo=1 auth=0/1 mail=2"
    long errors = 0;               // of the client so far, for the error limits
    std::string tag;               // IMAP: tag of the command that logged in, whose OK is already sent
    std::string pending;           // bytes that were read and not obeyed; at most some kB
    std::string state;             // empty: go on; worker to front: "idle" (take it back); front to worker: "woken" (by notify; the client is silent)
    // IMAP, of a session that came back:
    std::optional<std::string> idle_tag;  // it is in IDLE, by the command with this tag
    std::optional<std::string> view;      // of the selected folder, as the client knows it: lib/maildir's, in base64
    std::optional<std::string> wake;      // the key by which notify tells that something has happened there

    bool is_authenticated() const { return !sasl_username.empty(); }
    bool has_tls() const { return !tls_protocol.empty(); }

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("protocol", self.protocol);
        visit("client_name", self.client_name);
        visit("client_address", self.client_address);
        visit("client_port", self.client_port);
        visit("server_address", self.server_address);
        visit("server_port", self.server_port);
        visit("reverse_name", self.reverse_name);
        visit("helo", self.helo);
        visit("esmtp", self.esmtp);
        visit("tls_protocol", self.tls_protocol);
        visit("tls_cipher", self.tls_cipher);
        visit("tls_bits", self.tls_bits);
        visit("tls_algorithm_bits", self.tls_algorithm_bits);
        visit("sasl_method", self.sasl_method);
        visit("sasl_username", self.sasl_username);
        visit("ticket", self.ticket);
        visit("counters", self.counters);
        visit("errors", self.errors);
        visit("tag", self.tag);
        visit("pending", self.pending);
        visit("state", self.state);
        visit("idle_tag", self.idle_tag);
        visit("view", self.view);
        visit("wake", self.wake);
    }
};

// A worker's last word on a session that ends there, if the client has sent mails that were accepted.
struct Merit {
    long accepted_mails = 0;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("accepted_mails", self.accepted_mails);
    }
};

}  // namespace mta::service
