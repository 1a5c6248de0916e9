#pragma once

#include <string>
#include <vector>

#include "net/address.h"

namespace mta::net {

// The addresses that inet_interfaces stands for: "all" and "loopback-only" are those of this host's interfaces, at the moment;
// others are addresses, perhaps in brackets; names are left out.
std::vector<Address> own_addresses(const std::vector<std::string>& inet_interfaces);

}  // namespace mta::net
