#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bounce/params.h"
#include "queue/directory.h"

// Delivery status notifications (RFC 3461, RFC 3464).
namespace mta::bounce {

enum class Kind { failure, delay, success };

// The recipients that a DSN of this kind has to tell of: their outcome fits, the sender does not know yet, and NOTIFY
// does not forbid it (RFC 3461 section 4.1: without NOTIFY failures and delays are told).
std::vector<std::size_t> recipients_for(const queue::Mail& mail, Kind kind);

// To whom a DSN goes. RFC 5321 section 6.1: never a notification about a notification, except to postmaster.
struct Plan {
    std::vector<std::size_t> recipients;
    std::string reverse_path, to;  // of the DSN
    bool is_double = false;        // about a notification, to postmaster
};
// Nothing if there is nothing to tell, or nobody.
std::optional<Plan> plan(const queue::Mail& mail, Kind kind, const Params& params);

struct Report {
    Kind kind;
    std::string queue_id;          // of the DSN itself
    std::string to;                // the reverse-path, or postmaster's address
    std::int64_t time = 0;         // microseconds since 1970
    std::string content;           // the message, or of a large one its header
    bool is_whole = false;         // content is all of the message
    bool is_double = false;        // about a notification, to postmaster
};

// The whole message with its header, LF line ends.
std::string format(const queue::Mail& mail, const std::vector<std::size_t>& recipients, const Report& report, const Params& params);

}  // namespace mta::bounce
