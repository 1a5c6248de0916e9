#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace mta::dns {

struct Servers {
    std::vector<net::Endpoint> endpoints;
    bool trust_ad = false;  // resolv.conf(5): options trust-ad
};

// The nameserver and trust-ad lines of resolv.conf(5); without any nameserver 127.0.0.1, as there.
Servers parse_resolv_conf(std::string_view text);

// "127.0.0.1", "127.0.0.1:5353", "[::1]:5353", "::1"; the port is 53 if there is none.
Result<net::Endpoint> parse_server(std::string_view text);

}  // namespace mta::dns
