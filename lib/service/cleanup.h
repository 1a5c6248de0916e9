#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Handing a mail to cleanup (service `cleanup`): Mail, then Recipients until one says that it is the last, then the content
// as a body (RFC 5322 text with LF line ends, as it shall be stored), then cleanup answers Accepted. Several mails may follow
// each other on a connection. Closing the connection before the answer cancels the mail; after the end of the
// body only the answer tells whether the mail was accepted.
namespace mta::service {

struct Mail {
    std::string queue_id;          // made by queue::new_id() before
    std::string reverse_path;      // internal form, without <>; empty: null reverse-path
    std::string origin;            // "smtp" (from the network), "local" (sendmail), "gateway" (sendmail -G), "internal" (DSN, forwarded)
    std::string client_name, client_address, helo, protocol, sasl_method, sasl_username;  // empty if not from the network
    std::string body;              // "7BIT", "8BITMIME", empty if unknown
    std::string envid, ret;        // RFC 3461: ENVID in xtext, RET "FULL", "HDRS" or empty
    long size_hint = 0;            // bytes announced by SIZE=, 0 if unknown
    std::int64_t arrival = 0;      // microseconds since 1970; 0: now
    bool verp = false;
    bool extract_recipients = false;  // sendmail -t: the recipients are those of the To, Cc and Bcc header fields
    std::string full_name;         // sendmail -F, for a missing From field
    std::optional<std::string> copy_of;  // of a mail that an alias or a .forward makes: as in queue::Envelope
    std::optional<bool> copied_again;
    std::optional<std::string> notice_of;  // of a DSN: as in queue::Envelope

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("queue_id", self.queue_id);
        visit("sender", self.reverse_path);
        visit("origin", self.origin);
        visit("client_name", self.client_name);
        visit("client_address", self.client_address);
        visit("helo", self.helo);
        visit("protocol", self.protocol);
        visit("sasl_method", self.sasl_method);
        visit("sasl_username", self.sasl_username);
        visit("body", self.body);
        visit("envid", self.envid);
        visit("ret", self.ret);
        visit("size_hint", self.size_hint);
        visit("arrival", self.arrival);
        visit("verp", self.verp);
        visit("extract_recipients", self.extract_recipients);
        visit("full_name", self.full_name);
        visit("copy_of", self.copy_of);
        visit("copied_again", self.copied_again);
        visit("notice_of", self.notice_of);
    }
};

struct MailRecipient {
    std::string address;           // internal form
    std::string orig_address;      // as the client gave it, if that differs; else empty
    std::string orcpt;             // RFC 3461 ORCPT, "rfc822;xtext", or empty
    std::string notify;            // RFC 3461 NOTIFY: "NEVER" or a list of SUCCESS,FAILURE,DELAY, or empty

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("address", self.address);
        visit("orig_address", self.orig_address);
        visit("orcpt", self.orcpt);
        visit("notify", self.notify);
    }
};

struct Recipients {
    std::vector<MailRecipient> recipients;  // as many as fit a message: 100 at a time is safe
    bool last = true;

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("recipients", self.recipients);
        visit("last", self.last);
    }
};

struct Accepted {
    bool ok = false;               // true: durable in the queue
    std::string status = "4.3.0";  // enhanced status if not ok; the text says why
    std::string text;

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("ok", self.ok);
        visit("status", self.status);
        visit("text", self.text);
    }
};

}  // namespace mta::service
