#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// qmgr to a delivery agent. On a new connection: Owner (agents that act for mailbox owners become that user and serve no other;
// others ignore it). Then any number of times: DeliveryRequest with the queue file as read-only descriptor; the
// agent answers one RecipientStatus per recipient as soon as it is final (order does not matter), now and then Progress while
// there is any, then Delivered. They are told apart by the attributes "action" and "progress". qmgr answers Delivered by Recorded;
// until then the agent keeps the descriptor and with it the mail's lock, and without it reports to the next qmgr (OrphanReport).
namespace mta::service {

struct Owner {
    std::string owner;             // "5000:5000", a system user's name, or empty: the agent's default user
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("owner", self.owner);
    }
};

struct DeliveryRecipient {
    long number = 0;               // within the queue file
    std::string address;           // where to deliver
    std::string orig_to;           // as it was before aliases, if that differs; else empty
    std::string orcpt, notify;     // RFC 3461, as in MailRecipient

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("number", self.number);
        visit("address", self.address);
        visit("orig_to", self.orig_to);
        visit("orcpt", self.orcpt);
        visit("notify", self.notify);
    }
};

struct DeliveryRequest {
    std::string queue_id, reverse_path, nexthop;
    std::int64_t offset = 0;       // of the content in the queue file
    std::int64_t size = 0;         // of the content in bytes
    std::int64_t arrival = 0;      // microseconds since 1970: when the mail came
    std::int64_t activated = 0;    // when qmgr took it for this attempt
    std::string body, envid, ret;  // as in Mail
    std::string client_name, client_address, helo, protocol, sasl_method, sasl_username;
    bool keep_open = false;        // more mail for this destination follows at once: keep the connection to it
    bool first_try = false;        // nobody can have tried before
    std::optional<std::string> copy_of;  // another mail may bring the same: as in queue::Envelope
    std::vector<DeliveryRecipient> recipients;

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("queue_id", self.queue_id);
        visit("sender", self.reverse_path);
        visit("nexthop", self.nexthop);
        visit("offset", self.offset);
        visit("size", self.size);
        visit("arrival", self.arrival);
        visit("activated", self.activated);
        visit("body", self.body);
        visit("envid", self.envid);
        visit("ret", self.ret);
        visit("client_name", self.client_name);
        visit("client_address", self.client_address);
        visit("helo", self.helo);
        visit("protocol", self.protocol);
        visit("sasl_method", self.sasl_method);
        visit("sasl_username", self.sasl_username);
        visit("keep_open", self.keep_open);
        visit("first_try", self.first_try);
        visit("copy_of", self.copy_of);
        visit("recipients", self.recipients);
    }
};

// One recipient's result of one attempt.
struct RecipientStatus {
    long number = 0;
    std::string action;            // "sent", "deferred", "bounced"
    std::string status;            // enhanced status, "2.0.0"
    std::string text;              // for the log and the DSN: "250 2.0.0 Ok: queued as X"
    std::string mta;               // remote MTA's name for the DSN, or empty
    std::string reply;             // the remote reply itself for Diagnostic-Code, or empty
    bool relayed = false;          // RFC 3464 action "relayed", not "delivered"

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("number", self.number);
        visit("action", self.action);
        visit("status", self.status);
        visit("text", self.text);
        visit("mta", self.mta);
        visit("reply", self.reply);
        visit("relayed", self.relayed);
    }
};

// The agent is at work: an agent that says nothing for long is given up.
struct Progress {
    bool progress = true;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("progress", self.progress);
    }
};

// The end of the answers to one request.
struct Delivered {
    std::string site_status;       // enhanced status if the destination as a whole was not reached, else empty
    std::string site_text;         // why
    bool closing = false;          // the agent takes no further request on this connection

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("site_status", self.site_status);
        visit("site_text", self.site_text);
        visit("closing", self.closing);
    }
};

// The results are in the queue: a qmgr that is started now knows them.
struct Recorded {
    bool recorded = true;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("recorded", self.recorded);
    }
};

}  // namespace mta::service
