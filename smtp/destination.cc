#include "smtp/destination.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "dns/name.h"
#include "mail/address.h"
#include "net/address.h"

namespace mta::smtpc {

namespace {

Error bad_destination(std::string_view text) { return Error{cat("bad destination: ", printable(text)), "4.3.5"}; }

// Takes ":port" from the end of the text; what is left is the host. An IPv6 address without brackets has no port.
Result<std::uint16_t> take_port(std::string_view& text, std::uint16_t default_port)
{
    bool is_bracketed = text.starts_with('[');
    auto colon = is_bracketed ? text.find(':', std::min(text.find(']'), text.size())) : text.rfind(':');
    if (colon == std::string_view::npos || (!is_bracketed && text.find(':') != colon))
        return default_port;
    auto port = parse_port(text.substr(colon + 1));
    if (!port)
        return bad_destination(text);
    text = text.substr(0, colon);
    return *port;
}

Result<Destination> parse_inet(std::string_view text, std::uint16_t default_port, bool is_lmtp)
{
    auto host = text;
    auto port = take_port(host, default_port);
    if (!port)
        return port.error();
    bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    if (is_bracketed)
        host = host.substr(1, host.size() - 2);
    if (istarts_with(host, "ipv6:"))  // RFC 5321 section 4.1.3
        host.remove_prefix(5);
    if (host.ends_with('.'))
        host.remove_suffix(1);
    bool is_address = net::Address::parse(host).has_value();
    auto ascii = is_address ? std::optional<std::string>(host) : mail::lookup_domain(host);
    if (!ascii || (!is_address && !dns::is_valid_hostname(*ascii)))
        return bad_destination(text);
    return Destination{*ascii, "", *port, !is_bracketed && !is_lmtp && !is_address, is_lmtp};
}

}  // namespace

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, std::uint16_t>, 5> names{
        {{"smtp", 25}, {"lmtp", 24}, {"submission", 587}, {"submissions", 465}, {"smtps", 465}}};
    for (const auto& [name, port] : names)
        if (iequals(name, text))
            return port;
    auto port = parse_number<std::uint16_t>(text);
    return port && *port != 0 ? port : std::nullopt;
}

Result<std::vector<Destination>> parse_destinations(std::string_view nexthop, std::uint16_t default_port, bool is_lmtp)
{
    std::vector<Destination> destinations;
    for (auto text : split_words(nexthop, ", \t\r\n")) {
        bool is_unix = istarts_with(text, "unix:");
        bool is_inet = istarts_with(text, "inet:");
        if (is_unix && text.size() > 5) {
            destinations.push_back({"", std::string(text.substr(5)), 0, false, true});
            continue;
        }
        auto parsed = parse_inet(is_inet ? text.substr(5) : text, default_port, is_lmtp || is_inet);
        if (!parsed)
            return parsed.error();
        destinations.push_back(std::move(*parsed));
    }
    if (destinations.empty())
        return bad_destination(nexthop);
    return destinations;
}

}  // namespace mta::smtpc
