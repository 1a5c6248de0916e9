#include "smtp/mx.h"

#include <ifaddrs.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "base/fd.h"
#include "base/text.h"

namespace mta::smtpc {

namespace {

constexpr std::uint16_t smtp_port = 25;
constexpr std::size_t max_mx_hosts = 20;  // whose addresses are looked up

using dns::Status;
using dns::Type;

Error lookup_error(std::string_view name, Type type, const dns::Answer& answer)
{
    return Error{dns::explain(name, type, answer), answer.is_temporary() ? "4.4.3" : "5.4.4"};
}

}  // namespace

std::string Host::text() const { return cat(name, "[", path.empty() ? endpoint.address.text() : path, "]"); }
std::string Host::text_with_port() const { return path.empty() ? cat(text(), ":", endpoint.port) : text(); }

Self Self::of_this_host(const std::string& hostname, const std::vector<std::string>& inet_interfaces,
                        const std::vector<std::string>& proxy_interfaces)
{
    Self self{lower(hostname), {}};
    auto add = [&](const std::vector<std::string>& words) {
        for (const auto& word : words)
            if (auto address = net::Address::parse(word.starts_with('[') && word.ends_with(']') ? word.substr(1, word.size() - 2) : word))
                self.addresses.push_back(*address);
    };
    add(inet_interfaces);
    add(proxy_interfaces);
    bool all = std::find(inet_interfaces.begin(), inet_interfaces.end(), "all") != inet_interfaces.end();
    bool loopback = std::find(inet_interfaces.begin(), inet_interfaces.end(), "loopback-only") != inet_interfaces.end();
    ifaddrs* first = nullptr;
    if ((!all && !loopback) || ::getifaddrs(&first) != 0)
        return self;
    std::unique_ptr<ifaddrs, Release<::freeifaddrs>> owner(first);
    for (auto* interface = first; interface; interface = interface->ifa_next) {
        if (!interface->ifa_addr || (interface->ifa_addr->sa_family != AF_INET && interface->ifa_addr->sa_family != AF_INET6))
            continue;
        if (auto address = net::Address::from(interface->ifa_addr); all || address.is_loopback())
            self.addresses.push_back(address);
    }
    return self;
}

bool Self::is(const Host& host) const
{
    return iequals(host.name, hostname) || std::find(addresses.begin(), addresses.end(), host.endpoint.address) != addresses.end();
}

Result<FinderOptions> FinderOptions::of(const Params& params, const std::vector<std::string>& inet_protocols)
{
    const auto& preference = params.address_preference();
    if (preference != "any" && preference != "ipv4" && preference != "ipv6")
        return failure(cat("smtp_address_preference must be any, ipv4 or ipv6, not ", preference));
    FinderOptions options{false, false};
    for (const auto& protocol : inet_protocols) {
        if (protocol != "all" && protocol != "ipv4" && protocol != "ipv6")
            return failure(cat("inet_protocols must be all, ipv4 or ipv6, not ", protocol));
        options.use_ipv4 = options.use_ipv4 || protocol != "ipv6";
        options.use_ipv6 = options.use_ipv6 || protocol != "ipv4";
    }
    return options;
}

Finder::Finder(const Params& params, FinderOptions options, Self self, service::Dns& dns)
    : params_(params), options_(options), self_(std::move(self)), dns_(dns)
{
}

Result<std::vector<Host>> Finder::find(const Destination& destination)
{
    if (!destination.path.empty())
        return Hosts{{self_.hostname, {}, destination.path, 0, true, destination.path}};
    auto hosts = destination.use_mx ? find_mx(destination) : find_addresses({{destination.host, 0}}, destination.port);
    if (!hosts)
        return hosts;
    bool may_loop = destination.port == smtp_port && !destination.is_lmtp;
    if (may_loop)
        hosts = without_self(std::move(*hosts), destination);
    if (!hosts)
        return hosts;
    auto ordered = in_order(std::move(*hosts));
    for (auto& host : ordered) {
        host.is_best = host.preference == ordered.front().preference;
        host.domain = destination.host;
    }
    return limited(std::move(ordered));
}

Result<std::vector<Host>> Finder::find_mx(const Destination& destination)
{
    auto answer = dns_.lookup(destination.host, Type::mx);
    bool use_address = answer.status == Status::nodata || (!answer.is_found() && params_.ignore_mx_lookup_error);
    if (use_address)  // RFC 5321 section 5.1: an implicit MX
        return find_addresses({{destination.host, 0}}, destination.port);
    if (!answer.is_found())
        return lookup_error(destination.host, Type::mx, answer);
    std::vector<Name> names;
    for (auto& mx : answer.all<dns::Mx>())
        if (!mx.host.empty())
            names.push_back({mx.host, mx.preference});
    if (names.empty())  // RFC 7505
        return Error{cat("Domain ", destination.host, " does not accept mail (nullMX)"), "5.1.10"};
    std::stable_sort(names.begin(), names.end(), [](const Name& a, const Name& b) { return a.preference < b.preference; });
    if (names.size() > max_mx_hosts)
        names.resize(max_mx_hosts);
    auto hosts = find_addresses(names, destination.port);
    if (!hosts && hosts.error().is_permanent() && params_.defer_if_no_mx_address_found)
        return Error{hosts.error().text, "4.4.4"};
    return hosts;
}

// All look-ups travel in one packet. A host whose address is not known does not matter if another one's is.
Result<std::vector<Host>> Finder::find_addresses(const std::vector<Name>& names, std::uint16_t port)
{
    Hosts hosts;
    std::vector<service::Dns::Question> questions;
    std::vector<const Name*> askers;
    for (const auto& name : names) {
        auto literal = net::Address::parse(name.name);
        if (!literal && name.name == "localhost") {  // RFC 6761 section 6.3
            if (options_.use_ipv4)
                hosts.push_back({name.name, {*net::Address::parse("127.0.0.1"), port}, "", name.preference, false});
            if (options_.use_ipv6)
                hosts.push_back({name.name, {*net::Address::parse("::1"), port}, "", name.preference, false});
            continue;
        }
        if (literal) {
            hosts.push_back({name.name, {*literal, port}, "", name.preference, false});
            continue;
        }
        for (auto type : {Type::a, Type::aaaa})
            if (type == Type::a ? options_.use_ipv4 : options_.use_ipv6) {
                questions.push_back({name.name, type});
                askers.push_back(&name);
            }
    }
    auto answers = questions.empty() ? std::vector<dns::Answer>() : dns_.lookup(questions);
    std::optional<Error> error;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        for (const auto& address : answers[i].all<net::Address>())
            hosts.push_back({askers[i]->name, {address, port}, "", askers[i]->preference, false});
        if (!answers[i].is_found() && (!error || (error->is_permanent() && answers[i].is_temporary())))
            error = lookup_error(questions[i].name, questions[i].type, answers[i]);
    }
    if (hosts.empty())
        return error ? *error : failure("no protocol in inet_protocols");
    return hosts;
}

// RFC 5321 section 5.1: servers that are not preferred to this host itself are left out, or mail would go in circles.
Result<std::vector<Host>> Finder::without_self(Hosts hosts, const Destination& destination) const
{
    auto least = [](const Hosts& list) {
        return std::min_element(list.begin(), list.end(), [](const Host& a, const Host& b) { return a.preference < b.preference; })->preference;
    };
    auto best = least(hosts);
    Hosts own;
    std::copy_if(hosts.begin(), hosts.end(), std::back_inserter(own), [&](const Host& host) { return self_.is(host); });
    if (own.empty())
        return hosts;
    auto own_preference = least(own);
    hosts.erase(std::remove_if(hosts.begin(), hosts.end(), [&](const Host& host) { return host.preference >= own_preference; }), hosts.end());
    if (!hosts.empty())
        return hosts;
    if (own_preference != best)
        return Error{cat("unable to find primary relay for ", destination.host), "4.4.4"};
    return Error{cat("mail for ", destination.host, " loops back to myself"), "5.4.6"};
}

Finder::Hosts Finder::in_order(Hosts hosts)
{
    if (!random_)
        random_.emplace(std::random_device{}());
    if (params_.randomize_addresses)
        std::shuffle(hosts.begin(), hosts.end(), *random_);
    const auto& preference = params_.address_preference();
    auto rank = [&](const Host& host) { return preference == "any" ? 0 : host.endpoint.address.is_v6() == (preference == "ipv6") ? 0 : 1; };
    std::stable_sort(hosts.begin(), hosts.end(), [&](const Host& a, const Host& b) {
        return a.preference != b.preference ? a.preference < b.preference : rank(a) < rank(b);
    });
    return hosts;
}

// Cuts the list; if that leaves addresses of one protocol only, the last place goes to the first one of the other.
Finder::Hosts Finder::limited(Hosts hosts) const
{
    auto limit = static_cast<std::size_t>(std::max(params_.mx_address_limit(), 0L));
    if (limit == 0 || hosts.size() <= limit)
        return hosts;
    auto family = hosts.front().endpoint.address.family();
    auto other = std::find_if(hosts.begin(), hosts.end(), [&](const Host& host) { return host.endpoint.address.family() != family; });
    if (params_.balance_inet_protocols && limit > 1 && other != hosts.end() && other - hosts.begin() >= static_cast<long>(limit))
        hosts[limit - 1] = *other;
    hosts.resize(limit);
    return hosts;
}

}  // namespace mta::smtpc
