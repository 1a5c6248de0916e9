#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What a queue file consists of (queue_file(5)): a header, envelope records, the content as one run of bytes, an end record,
// and behind it records that are only ever appended. A record is {type, length, payload, CRC32C}; payloads are attribute
// lists, so no value can contain a record boundary.
namespace mta::queue {

struct Recipient {
    std::string address;           // internal form
    std::string original;          // before aliases, if that differs; else empty
    std::string orcpt, notify;     // RFC 3461, empty if not given

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("recipient", self.address);
        visit("original_recipient", self.original);
        visit("dsn_orcpt", self.orcpt);
        visit("dsn_notify", self.notify);
    }
};

struct Envelope {
    std::string queue_id;
    std::string reverse_path;      // internal form; empty: null reverse-path
    std::int64_t arrival = 0;      // microseconds since 1970
    std::string body, envid, ret;  // BODY=, ENVID=, RET= of RFC 6152 and RFC 3461
    std::string client_name, client_address, helo, protocol, sasl_method, sasl_username;
    std::optional<std::string> copy_of;  // made by an alias or a .forward: what it has in common with one that was made there before
    std::optional<std::string> notice_of;  // of a DSN: "QUEUE-ID KIND", the mail that it tells of
    std::optional<bool> copied_again;    // one may have been made before, by an attempt that did not come to its end
    std::vector<Recipient> recipients;  // in records of their own

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("queue_id", self.queue_id);
        visit("sender", self.reverse_path);
        visit("create_time", self.arrival);
        visit("body", self.body);
        visit("dsn_envid", self.envid);
        visit("dsn_ret", self.ret);
        visit("client_name", self.client_name);
        visit("client_address", self.client_address);
        visit("helo_name", self.helo);
        visit("protocol_name", self.protocol);
        visit("sasl_method", self.sasl_method);
        visit("sasl_username", self.sasl_username);
        visit("copy_of", self.copy_of);
        visit("copied_again", self.copied_again);
        visit("notice_of", self.notice_of);
    }
};

// The result of one attempt for one recipient, appended to the file.
struct Outcome {
    long number = 0;               // of the recipient, from 0
    std::string action;            // "sent", "bounced", "expired": done for ever; "deferred": the latest reason
    std::string status, text, mta, reply;  // as in service::RecipientStatus
    std::int64_t time = 0;         // microseconds since 1970
    bool relayed = false;          // RFC 3464 action "relayed", not "delivered"
    bool notified = false;         // not stored: a later note says that the sender knows
    bool is_final() const { return action != "deferred"; }
    bool has_failed() const { return action == "bounced" || action == "expired"; }

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("number", self.number);
        visit("action", self.action);
        visit("status", self.status);
        visit("reason", self.text);
        visit("remote_mta", self.mta);
        visit("remote_reply", self.reply);
        visit("time", self.time);
        visit("relayed", self.relayed);
    }
};

// Something that happened to the mail as a whole, appended: a warning was sent; the sender knows, as far as he wants to, of all
// failures, or of all successes, before it; it goes back to the sender after the next attempt, however old it is.
constexpr std::string_view delay_warned = "delay_warning", failures_told = "failures_told", successes_told = "successes_told",
                           force_expired = "force_expired";
struct Note {
    std::string what;
    std::int64_t time = 0;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("note", self.what);
        visit("time", self.time);
    }
};

enum class Type : char { envelope = 'M', recipient = 'R', end = 'E', outcome = 'D', note = 'N' };

std::string encode_record(Type type, std::string_view payload);

struct Record {
    Type type;
    std::string_view payload;      // into the bytes
    std::size_t size;              // of the whole record
};
// The record at the start of the bytes; nothing if it is not complete; an Error if its checksum is wrong.
Result<std::optional<Record>> decode_record(std::string_view bytes);

// The fixed-size header: where the parts are.
struct Header {
    std::uint64_t envelope_bytes = 0, content_bytes = 0;
    std::uint32_t recipients = 0;
    static constexpr std::size_t bytes = 40;
    std::uint64_t content_offset() const { return bytes + envelope_bytes; }
    std::string encode() const;
    static Result<Header> decode(std::string_view text);  // an Error for another format, version, checksum
};

}  // namespace mta::queue
