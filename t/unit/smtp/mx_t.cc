#include "smtp/mx.h"

#include <catch2/catch.hpp>

#include <fcntl.h>

#include <set>

#include "t/unit/smtp/fake.h"

using namespace mta;
using namespace mta::smtpc;

namespace {

struct Fixture {
    test::FakeDns dns;
    std::string settings;
    std::vector<std::string> protocols{"all"};

    Result<std::vector<Host>> find(const std::string& nexthop)
    {
        auto config = config::Config::parse(settings);
        const Params params(*config, "smtp");
        Self self{"me.example", {*net::Address::parse("192.0.2.99")}};
        Finder finder(params, *FinderOptions::of(params, protocols), self, dns);
        return finder.find(parse_destinations(nexthop, 25, false)->at(0));
    }
    // "name[address] name[address]", sorted if the order is left to chance.
    std::string hosts(const std::string& nexthop)
    {
        auto found = find(nexthop);
        if (!found)
            return found.error().status + " " + found.error().text;
        std::string text;
        for (const auto& host : *found)
            text += (text.empty() ? "" : " ") + host.text();
        return text;
    }
};

}  // namespace

TEST_CASE("nexthops are read in all their forms", "[smtp]")
{
    struct Case { std::string text, host; int port; bool use_mx, is_lmtp; };
    for (const auto& c : {
             Case{"Example.COM", "example.com", 25, true, false},
             {"example.com.", "example.com", 25, true, false},
             {"example.com:587", "example.com", 587, true, false},
             {"example.com:submission", "example.com", 587, true, false},
             {"[mx.example.com]", "mx.example.com", 25, false, false},
             {"[mx.example.com]:26", "mx.example.com", 26, false, false},
             {"[192.0.2.1]:26", "192.0.2.1", 26, false, false},
             {"192.0.2.1", "192.0.2.1", 25, false, false},
             {"[2001:db8::1]", "2001:db8::1", 25, false, false},
             {"[ipv6:2001:db8::1]:26", "2001:db8::1", 26, false, false},
             {"2001:db8::1", "2001:db8::1", 25, false, false},
             {"b\xc3\xbc" "cher.example", "xn--bcher-kva.example", 25, true, false},
             {"inet:mx.example.com:26", "mx.example.com", 26, false, true},
             {"inet:[mx.example.com]", "mx.example.com", 25, false, true},
         }) {
        INFO(c.text);
        auto parsed = parse_destinations(c.text, 25, false);
        REQUIRE(parsed);
        REQUIRE(parsed->size() == 1);
        CHECK(parsed->at(0).host == c.host);
        CHECK(parsed->at(0).port == c.port);
        CHECK(parsed->at(0).use_mx == c.use_mx);
        CHECK(parsed->at(0).is_lmtp == c.is_lmtp);
    }
    CHECK(parse_destinations("unix:private/lmtp", 24, true)->at(0).path == "private/lmtp");
    CHECK(parse_destinations("a.example, [b.example]:26", 25, false)->size() == 2);
    for (const char* bad : {"", "a b..c", "host:port:x.y", "host:0", "host:99999", "[host", "unix:", "-a.example", "a.example:", "[]", "a\x01.example"}) {
        INFO(bad);
        CHECK_FALSE(parse_destinations(bad, 25, false));
    }
}

TEST_CASE_METHOD(Fixture, "MX hosts come in order of preference, their addresses in one more round trip", "[smtp]")
{
    dns.zone = {{"MX d.example", {"20 b.example.", "10 a.example."}}, {"A a.example", {"192.0.2.1"}}, {"A b.example", {"192.0.2.2"}}, {"AAAA b.example", {"2001:db8::2"}}};
    protocols = {"ipv4"};
    CHECK(hosts("d.example") == "a.example[192.0.2.1] b.example[192.0.2.2]");
    CHECK(dns.round_trips == 2);
    settings = "smtp_address_preference = ipv6";
    protocols = {"all"};
    CHECK(hosts("d.example") == "a.example[192.0.2.1] b.example[2001:db8::2] b.example[192.0.2.2]");
    protocols = {"ipv6"};
    CHECK(hosts("d.example") == "b.example[2001:db8::2]");
    auto found = find("d.example");
    CHECK(found->front().is_best);
}

TEST_CASE_METHOD(Fixture, "servers of equal preference change places", "[smtp]")
{
    dns.zone = {{"MX d.example", {"10 a.example.", "10 b.example."}}, {"A a.example", {"192.0.2.1"}}, {"A b.example", {"192.0.2.2"}}};
    std::set<std::string> seen;
    for (int i = 0; i < 60; ++i)
        seen.insert(hosts("d.example"));
    CHECK(seen.size() == 2);
    settings = "smtp_randomize_addresses = no";
    seen.clear();
    for (int i = 0; i < 20; ++i)
        seen.insert(hosts("d.example"));
    CHECK(seen.size() == 1);
}

TEST_CASE_METHOD(Fixture, "without MX records the domain's address counts", "[smtp]")
{
    dns.zone = {{"A d.example", {"192.0.2.1"}}};
    CHECK(hosts("d.example") == "d.example[192.0.2.1]");
    CHECK(hosts("[d.example]") == "d.example[192.0.2.1]");
    CHECK(hosts("[192.0.2.7]") == "192.0.2.7[192.0.2.7]");
    protocols = {"ipv4"};
    CHECK(hosts("[localhost]:2525") == "localhost[127.0.0.1]");
}

TEST_CASE_METHOD(Fixture, "not found is final, cannot tell is not", "[smtp]")
{
    const std::string words = "Host or domain name not found. Name service error for name=";
    CHECK(hosts("d.example") == "5.4.4 " + words + "d.example type=MX: Host not found");
    dns.zone = {{"MX d.example", {"failed"}}};
    CHECK(hosts("d.example") == "4.4.3 " + words + "d.example type=MX: Host not found, try again");
    dns.zone = {{"MX d.example", {"malformed"}}};
    CHECK(hosts("d.example") == "5.4.4 " + words + "d.example type=MX: Malformed or unexpected name server reply");
    dns.zone = {{"TXT d.example", {"x"}}};
    CHECK(hosts("d.example") == "5.4.4 " + words + "d.example type=A: Host found but no data record of requested type");
    dns.zone = {{"MX d.example", {"10 a.example."}}};
    CHECK(hosts("d.example") == "5.4.4 " + words + "a.example type=A: Host not found");
    settings = "smtp_defer_if_no_mx_address_found = yes";
    CHECK(hosts("d.example") == "4.4.4 " + words + "a.example type=A: Host not found");
    dns.zone = {{"MX d.example", {"10 a.example.", "20 b.example."}}, {"A b.example", {"failed"}}};
    CHECK(hosts("d.example") == "4.4.3 " + words + "b.example type=A: Host not found, try again");
}

TEST_CASE_METHOD(Fixture, "an MX look-up that fails may be ignored", "[smtp]")
{
    dns.zone = {{"MX d.example", {"failed"}}, {"A d.example", {"192.0.2.1"}}};
    CHECK(find("d.example").error().status == "4.4.3");
    settings = "ignore_mx_lookup_error = yes";
    CHECK(hosts("d.example") == "d.example[192.0.2.1]");
}

TEST_CASE_METHOD(Fixture, "a null MX bounces (RFC 7505)", "[smtp]")
{
    dns.zone = {{"MX d.example", {"0 ."}}, {"A d.example", {"192.0.2.1"}}};
    CHECK(hosts("d.example") == "5.1.10 Domain d.example does not accept mail (nullMX)");
}

TEST_CASE_METHOD(Fixture, "a host without address does not matter if there are others", "[smtp]")
{
    dns.zone = {{"MX d.example", {"10 a.example.", "20 b.example."}}, {"A a.example", {"failed"}}, {"A b.example", {"192.0.2.2"}}};
    CHECK(hosts("d.example") == "b.example[192.0.2.2]");
}

TEST_CASE_METHOD(Fixture, "this host and those behind it are left out", "[smtp]")
{
    dns.zone = {{"MX d.example", {"10 a.example.", "20 me.example.", "30 c.example."}},
                {"A a.example", {"192.0.2.1"}}, {"A me.example", {"192.0.2.50"}}, {"A c.example", {"192.0.2.3"}}};
    CHECK(hosts("d.example") == "a.example[192.0.2.1]");  // by name
    dns.zone["MX d.example"] = {"10 a.example.", "20 other.example.", "20 c.example."};
    dns.zone["A other.example"] = {"192.0.2.99"};
    CHECK(hosts("d.example") == "a.example[192.0.2.1]");  // by address
    dns.zone["MX d.example"] = {"10 me.example.", "20 c.example."};
    CHECK(hosts("d.example") == "5.4.6 mail for d.example loops back to myself");
    CHECK(hosts("[192.0.2.99]") == "5.4.6 mail for 192.0.2.99 loops back to myself");
    CHECK(hosts("[192.0.2.99]:10025") == "192.0.2.99[192.0.2.99]");  // a content filter
}

TEST_CASE_METHOD(Fixture, "the list is cut, but both protocols stay", "[smtp]")
{
    settings = "smtp_mx_address_limit = 2\nsmtp_address_preference = ipv6";
    dns.zone = {{"A d.example", {"192.0.2.1"}}, {"AAAA d.example", {"2001:db8::1", "2001:db8::2", "2001:db8::3"}}};
    auto found = find("d.example");
    REQUIRE(found->size() == 2);
    CHECK(found->at(0).endpoint.address.is_v6());
    CHECK_FALSE(found->at(1).endpoint.address.is_v6());
    settings = "smtp_mx_address_limit = 2\nsmtp_address_preference = ipv6\nsmtp_balance_inet_protocols = no";
    CHECK(find("d.example")->at(1).endpoint.address.is_v6());
    settings = "smtp_mx_address_limit = 0";
    CHECK(find("d.example")->size() == 4);
}

TEST_CASE("bad values are named", "[smtp]")
{
    auto config = config::Config::parse("smtp_address_preference = ipv5");
    const Params params(*config, "smtp");
    CHECK_FALSE(FinderOptions::of(params, {"all"}));
    auto good = config::Config::parse("");
    const Params defaults(*good, "smtp");
    CHECK_FALSE(FinderOptions::of(defaults, {"ipx"}));
    CHECK(FinderOptions::of(defaults, {"ipv4", "ipv6"})->use_ipv6);
    CHECK_FALSE(FinderOptions::of(defaults, {"ipv4"})->use_ipv6);
}

TEST_CASE("this host knows its addresses", "[smtp]")
{
    auto self = Self::of_this_host("Me.Example", {"loopback-only"}, {"203.0.113.5"});
    CHECK(self.is(Host{"me.example", {}, "", 0, false}));
    CHECK(self.is(Host{"x", {*net::Address::parse("127.0.0.1"), 25}, "", 0, false}));
    CHECK(self.is(Host{"x", {*net::Address::parse("203.0.113.5"), 25}, "", 0, false}));
    CHECK_FALSE(self.is(Host{"x", {*net::Address::parse("203.0.113.6"), 25}, "", 0, false}));
    CHECK(Self::of_this_host("h", {"192.0.2.1", "[2001:db8::1]"}, {}).addresses.size() == 2);
}
