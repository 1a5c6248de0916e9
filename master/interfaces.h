#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace mta::master {

// The addresses of a host name; empty if there are none.
using Resolve = std::function<std::vector<net::Address>(const std::string& host)>;
std::vector<net::Address> resolve_host(const std::string& host);

struct Protocols {
    bool v4 = true;
    bool v6 = true;
    bool allows(const net::Address& address) const { return address.is_v6() ? v6 : v4; }
};

// inet_protocols; has_v6 says whether this host can listen on IPv6 at all, which decides for "all".
Result<Protocols> parse_protocols(const std::vector<std::string>& words, bool has_v6);
bool host_has_v6();

// inet_interfaces: all, loopback-only, addresses or host names.
Result<std::vector<net::Address>> listen_addresses(const std::vector<std::string>& words, Protocols protocols, const Resolve& resolve);

// The addresses of one name or address (also in brackets) that the protocols allow.
Result<std::vector<net::Address>> addresses_of(const std::string& host, Protocols protocols, const Resolve& resolve);

// "25", "smtp", "submissions": the number of a TCP port. Names that /etc/services may lack are built in.
Result<std::uint16_t> port_number(const std::string& name);

}  // namespace mta::master
