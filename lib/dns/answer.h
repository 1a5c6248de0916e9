#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace mta::dns {

// Record types that mail needs, with their numbers on the wire.
enum class Type : std::uint16_t { a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, mx = 15, txt = 16, aaaa = 28, srv = 33, tlsa = 52 };
std::string_view type_name(Type type);  // "MX"
std::optional<Type> parse_type(std::string_view text);

// Names are in lower case, have no final dot, and their syntax was checked; "" is the root (null MX, RFC 7505).
struct Name { std::string name; };  // NS, CNAME, PTR
struct Mx { std::uint16_t preference = 0; std::string host; };
struct Text { std::string text; };  // the strings of a TXT record, put together (RFC 7208 section 3.3)
struct Srv { std::uint16_t priority = 0, weight = 0, port = 0; std::string host; };
struct Tlsa { std::uint8_t usage = 0, selector = 0, matching = 0; std::string data; };
struct Soa { std::string host, mailbox; std::uint32_t serial = 0, minimum = 0; };

struct Record {
    Type type{};
    std::uint32_t ttl = 0;
    std::variant<net::Address, Name, Mx, Text, Srv, Tlsa, Soa> data;

    // As text for IPC and for people; parse(type, ttl, text) is the way back and refuses what is not exactly that.
    std::string text() const;
    static Result<Record> parse(Type type, std::uint32_t ttl, std::string_view text);
};

// What the answer means for mail. Failed is "cannot tell now" and never "not there"; malformed is what somebody has written
// into the zone: names that no host can have, circles of aliases.
enum class Status { found, nxdomain, nodata, failed, malformed };
std::string_view status_name(Status status);
std::optional<Status> parse_status(std::string_view text);

struct Answer {
    Status status = Status::failed;
    std::vector<Record> records;  // all of the type that was asked for; not empty exactly if found
    std::string name;             // the name that owns the records: the end of the chain of aliases
    std::uint32_t ttl = 0;        // seconds for which this holds, also for an answer "no"
    bool secure = false;          // a validating resolver that we believe has set AD
    std::string reason;           // for people, when failed: "no reply of 127.0.0.1:53"

    bool is_found() const { return status == Status::found; }
    bool is_temporary() const { return status == Status::failed; }

    // The data of all records.
    template <class Data>
    std::vector<Data> all() const
    {
        std::vector<Data> result;
        for (const auto& record : records)
            if (const auto* data = std::get_if<Data>(&record.data))
                result.push_back(*data);
        return result;
    }
};

// "Host or domain name not found. Name service error for name=example.com type=MX: Host not found": Postfix's words.
std::string explain(std::string_view name, Type type, const Answer& answer);

}  // namespace mta::dns
