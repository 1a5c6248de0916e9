#include "dns/resolv_conf.h"

#include <algorithm>

#include "base/text.h"

namespace mta::dns {

namespace {

constexpr std::uint16_t dns_port = 53;

}  // namespace

Result<net::Endpoint> parse_server(std::string_view text)
{
    auto bad = [&] { return failure(cat("bad DNS server: ", printable(text), " (address, address:port or [address]:port)")); };
    auto host = text;
    std::uint16_t port = dns_port;
    auto colon = text.rfind(':');
    bool is_bracketed = text.starts_with('[');
    bool has_port = is_bracketed ? text.find("]:") != std::string_view::npos : colon != std::string_view::npos && text.find(':') == colon;
    if (has_port) {
        auto number = parse_number<std::uint16_t>(text.substr(colon + 1));
        if (!number || *number == 0)
            return bad();
        port = *number;
        host = text.substr(0, colon);
    }
    if (is_bracketed) {
        if (!host.ends_with(']'))
            return bad();
        host = host.substr(1, host.size() - 2);
    }
    auto address = net::Address::parse(host);
    if (!address)
        return bad();
    return net::Endpoint{*address, port};
}

Servers parse_resolv_conf(std::string_view text)
{
    Servers servers;
    for (auto line : split(text, '\n')) {
        auto words = split_words(line.substr(0, line.find_first_of("#;")));
        if (words.size() < 2)
            continue;
        if (words[0] == "options")
            servers.trust_ad = servers.trust_ad || std::find(words.begin() + 1, words.end(), "trust-ad") != words.end();
        if (words[0] != "nameserver")
            continue;
        if (auto server = net::Address::parse(words[1]))  // with a scope ("fe80::1%eth0"): not for us
            servers.endpoints.push_back({*server, dns_port});
    }
    if (servers.endpoints.empty())
        servers.endpoints.push_back({*net::Address::parse("127.0.0.1"), dns_port});
    return servers;
}

}  // namespace mta::dns
