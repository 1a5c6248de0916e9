// Covers: lib/dns/name.cc lib/dns/resolv_conf.cc lib/net/address.cc
#include "base/text.h"
#include "dns/name.h"
#include "dns/resolv_conf.h"
#include "t/fuzz/lib/target.h"
#include "net/address.h"

// Addresses, networks and host names as text; resolv.conf.
namespace {

using namespace mta;

void check_address(std::string_view text)
{
    auto address = net::Address::parse(text);
    if (!address)
        return;
    auto again = net::Address::parse(address->text());
    HOLDS(again == address);
    HOLDS(dns::is_valid_name(address->reverse_name()));
    HOLDS(address->prefix(address->bits()) == *address && address->prefix(0).prefix(0) == address->prefix(0));
    auto server = dns::parse_server(net::Endpoint{*address, 25}.text());
    HOLDS(server && server->address == *address && server->port == 25);
    HOLDS(address->literal().size() > address->text().size() && !(address->is_loopback() && address->is_unspecified()));
}

void check_network(std::string_view text)
{
    auto network = net::Network::parse(text);
    if (!network)
        return;
    HOLDS(network->bits >= 0 && network->bits <= network->address.bits());
    HOLDS(network->contains(network->address) && network->address.prefix(network->bits) == network->address);
}

}  // namespace

FUZZ(input)
{
    check_address(input);
    check_network(input);
    if (dns::is_valid_hostname(input))
        HOLDS(dns::is_valid_name(input));
    if (dns::is_valid_name(input))
        HOLDS(lower(dns::random_case(input)) == lower(input) && printable(input) == input);
    for (const auto& endpoint : dns::parse_resolv_conf(input).endpoints)
        HOLDS(endpoint.port == 53 && endpoint.address.family() != 0);
    if (auto server = dns::parse_server(input))
        HOLDS(server->port != 0);
}
