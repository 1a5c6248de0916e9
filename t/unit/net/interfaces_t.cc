#include "net/interfaces.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace mta;

TEST_CASE("inet_interfaces is addresses, or what this host has", "[net]")
{
    auto has = [](const std::vector<net::Address>& list, std::string_view text) {
        return std::find(list.begin(), list.end(), *net::Address::parse(text)) != list.end();
    };
    auto given = net::own_addresses({"192.0.2.25", "[2001:db8::25]", "name.example"});
    CHECK(given.size() == 2);
    CHECK(has(given, "192.0.2.25"));
    CHECK(has(given, "2001:db8::25"));
    CHECK(has(net::own_addresses({"all"}), "127.0.0.1"));
    auto loopback = net::own_addresses({"loopback-only"});
    CHECK(has(loopback, "127.0.0.1"));
    CHECK(std::all_of(loopback.begin(), loopback.end(), [](const auto& address) { return address.is_loopback(); }));
    CHECK(net::own_addresses({}).empty());
}
