#include "net/interfaces.h"

#include <ifaddrs.h>

#include <algorithm>
#include <memory>

#include "base/fd.h"

namespace mta::net {

namespace {

bool contains(const std::vector<std::string>& words, std::string_view word)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::vector<Address> own_addresses(const std::vector<std::string>& inet_interfaces)
{
    std::vector<Address> addresses;
    for (std::string_view word : inet_interfaces) {
        if (word.starts_with('[') && word.ends_with(']'))
            word = word.substr(1, word.size() - 2);
        if (auto address = Address::parse(word))
            addresses.push_back(*address);
    }
    bool all = contains(inet_interfaces, "all");
    ifaddrs* first = nullptr;
    if ((!all && !contains(inet_interfaces, "loopback-only")) || ::getifaddrs(&first) != 0)
        return addresses;
    std::unique_ptr<ifaddrs, Release<::freeifaddrs>> owner(first);
    for (auto* interface = first; interface; interface = interface->ifa_next) {
        if (!interface->ifa_addr || (interface->ifa_addr->sa_family != AF_INET && interface->ifa_addr->sa_family != AF_INET6))
            continue;
        if (auto address = Address::from(interface->ifa_addr); all || address.is_loopback())
            addresses.push_back(address);
    }
    return addresses;
}

}  // namespace mta::net
