#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mta::smtpc {

// One place of a nexthop: "example.com" (its MX hosts), "[mx.example.com]" (that host), either with ":port", or for LMTP
// "inet:host:port" and "unix:path".
struct Destination {
    std::string host;          // in ASCII and lower case, without brackets; a domain or host name, or an address
    std::string path;          // of a Unix socket, else empty
    std::uint16_t port = 0;
    bool use_mx = false;
    bool is_lmtp = false;
};

// A service's port: a number or one of the names that mail uses; nothing if unknown.
std::optional<std::uint16_t> parse_port(std::string_view text);

// The places of a nexthop, separated by commas or blanks. An Error for what is no destination.
Result<std::vector<Destination>> parse_destinations(std::string_view nexthop, std::uint16_t default_port, bool is_lmtp);

}  // namespace mta::smtpc
