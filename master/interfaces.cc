#include "master/interfaces.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/text.h"
#include "config/config.h"

namespace mta::master {

namespace {

struct Port {
    std::string_view name;
    std::uint16_t number;
};
// The registered names of what a mail server listens on: a minimal host has no /etc/services, an old one no submissions.
constexpr std::array<Port, 11> ports{{{"smtp", 25}, {"pop3", 110}, {"imap", 143}, {"imap2", 143}, {"submissions", 465}, {"smtps", 465},
                                      {"submission", 587}, {"imaps", 993}, {"pop3s", 995}, {"sieve", 4190}, {"lmtp", 24}}};

void add(std::vector<net::Address>& to, const net::Address& address)
{
    if (std::find(to.begin(), to.end(), address) == to.end())
        to.push_back(address);
}

void add_parsed(std::vector<net::Address>& to, std::string_view text, Protocols protocols)
{
    auto address = net::Address::parse(text);
    if (address && protocols.allows(*address))
        add(to, *address);
}

std::string without_brackets(const std::string& host)
{
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        return host.substr(1, host.size() - 2);
    return host;
}

}  // namespace

std::vector<net::Address> resolve_host(const std::string& host)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0)
        return {};
    std::unique_ptr<addrinfo, Release<freeaddrinfo>> owner(list);
    std::vector<net::Address> result;
    for (auto* entry = list; entry; entry = entry->ai_next)
        add(result, net::Address::from(entry->ai_addr));
    return result;
}

Result<Protocols> parse_protocols(const std::vector<std::string>& words, bool has_v6)
{
    Protocols result{false, false};
    for (const auto& word : words) {
        if (iequals(word, "all")) {
            result.v4 = true;
            result.v6 = result.v6 || has_v6;
        } else if (iequals(word, "ipv4")) {
            result.v4 = true;
        } else if (iequals(word, "ipv6")) {
            result.v6 = true;
        } else {
            return failure(cat("inet_protocols: \"", word, "\" is none of all, ipv4, ipv6"));
        }
    }
    if (!result.v4 && !result.v6)
        return failure("inet_protocols: empty; must be all, ipv4 or ipv6");
    return result;
}

bool host_has_v6()
{
    Fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    return fd && ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

Result<std::vector<net::Address>> addresses_of(const std::string& host, Protocols protocols, const Resolve& resolve)
{
    std::vector<net::Address> found;
    if (auto address = net::Address::parse(without_brackets(host)))
        found.push_back(*address);
    else if (host.empty() || host.front() == '[')
        return failure(cat("\"", host, "\" is not an IP address"));
    else
        found = resolve(host);
    if (found.empty())
        return failure(cat("host ", host, " has no address"));
    std::erase_if(found, [&](const auto& address) { return !protocols.allows(address); });
    if (found.empty())
        return failure(cat(host, ": inet_protocols excludes its addresses"));
    return found;
}

Result<std::vector<net::Address>> listen_addresses(const std::vector<std::string>& words, Protocols protocols, const Resolve& resolve)
{
    std::vector<net::Address> result;
    for (const auto& word : words) {
        if (iequals(word, "all") || iequals(word, "loopback-only")) {
            bool all = iequals(word, "all");
            add_parsed(result, all ? "0.0.0.0" : "127.0.0.1", protocols);
            add_parsed(result, all ? "::" : "::1", protocols);
            continue;
        }
        auto found = addresses_of(word, protocols, resolve);
        if (!found)
            return failure(cat("inet_interfaces: ", found.error().text));
        for (const auto& address : *found)
            add(result, address);
    }
    if (result.empty())
        return failure("inet_interfaces: empty; must be all, loopback-only or addresses");
    return result;
}

Result<std::uint16_t> port_number(const std::string& name)
{
    if (!name.empty() && std::all_of(name.begin(), name.end(), is_digit)) {
        auto number = parse_number<std::uint16_t>(name);
        if (number && *number > 0)
            return *number;
        return failure(cat("port ", name, " is not between 1 and 65535"));
    }
    if (const servent* entry = ::getservbyname(name.c_str(), "tcp"))
        return ntohs(static_cast<std::uint16_t>(entry->s_port));
    std::vector<std::string> known;
    for (const auto& port : ports) {
        if (port.name == name)
            return port.number;
        known.emplace_back(port.name);
    }
    auto guess = config::nearest(name, known);
    return failure(cat("unknown port \"", name, "\"", guess ? cat("; did you mean \"", *guess, "\"?") : ""));
}

}  // namespace mta::master
