#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dns/answer.h"

// Packets to values and back. ldns takes packets apart; a reply is first compared with its question byte by byte.
namespace mta::dns {

constexpr std::size_t max_packet_bytes = 65535;
constexpr std::size_t usual_max_records = 64;   // of an answer; others are left out
constexpr std::size_t max_read_records = 1000;  // in an answer section; a reply with more is not read
constexpr std::size_t max_other_records = 200;  // in the sections behind it
constexpr std::size_t max_alias_steps = 8;

struct Query {
    std::string name;  // in the case that it was sent in
    Type type{};
    std::uint16_t id = 0;
    std::string bytes;  // the packet
    std::string_view question() const;
};

// A query with a random ID, random case of its letters, RD and AD set, DO clear, with EDNS0 (1232 bytes) if wanted.
// The name must be valid.
Result<Query> make_query(std::string_view name, Type type, bool with_edns);

enum class Match {
    yes,
    no,        // not a reply to this query: forged, late, or from a broken server
    bare,      // the right ID with an error code, but no question: an old server that cannot even parse EDNS0
};
// RFC 5452 section 9: ID, QR, opcode, and the question with the case of each letter (unless the transport is TCP).
Match match(const Query& query, std::string_view reply, bool over_tcp);

enum class Code { no_error = 0, format_error = 1, server_failure = 2, name_error = 3, not_implemented = 4, refused = 5 };
int reply_code(std::string_view reply);
std::string code_name(int code);  // "SERVFAIL"
bool is_truncated(std::string_view reply);

// The meaning of a matching reply. Codes other than NOERROR and NXDOMAIN are Status::failed.
// Of more records than may be kept the best mail hosts, or the first ones, are.
Answer read_reply(const Query& query, std::string_view reply, bool may_trust_ad, std::size_t max_records = usual_max_records);

}  // namespace mta::dns
