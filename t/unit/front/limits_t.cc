#include <catch2/catch.hpp>

#include "base/text.h"
#include "front/limits.h"
#include "service/counters.h"

using namespace mta;
using namespace mta::front;
using namespace std::chrono_literals;
using Event = Limits::Event;

namespace {

net::Address address(std::string_view text) { return *net::Address::parse(text); }
const auto start = Limits::Clock::now();

Limits::Settings settings(long connections, long connection_rate = 0, long auth_rate = 0)
{
    Limits::Settings made;
    made.connections = connections;
    made.connection_rate = connection_rate;
    made.auth_rate = auth_rate;
    return made;
}

}  // namespace

TEST_CASE("connections are counted in and out", "[front]")
{
    Limits limits(settings(2));
    auto client = address("192.0.2.1");
    CHECK_FALSE(limits.too_many(client, limits.enter(client)));
    CHECK_FALSE(limits.too_many(client, limits.enter(client)));
    CHECK(limits.too_many(client, limits.enter(client)));
    limits.leave(client);
    limits.leave(client);
    CHECK_FALSE(limits.too_many(client, limits.enter(client)));
    CHECK_FALSE(limits.too_many(address("192.0.2.2"), limits.enter(address("192.0.2.2"))));
    limits.leave(address("192.0.2.2"));
    limits.leave(client);
    limits.leave(client);
    CHECK(limits.size() == 0);
    limits.leave(client);  // once too often does no harm
}

TEST_CASE("a network counts as one client", "[front]")
{
    auto wide = settings(1);
    wide.v4_bits = 24;
    Limits limits(wide);
    limits.enter(address("192.0.2.1"));
    CHECK(limits.too_many(address("192.0.2.200"), limits.enter(address("192.0.2.200"))));
    limits.enter(address("2001:db8::1"));
    CHECK(limits.too_many(address("2001:db8::2"), limits.enter(address("2001:db8::2"))));
    CHECK_FALSE(limits.too_many(address("2001:db8:0:1::2"), limits.enter(address("2001:db8:0:1::2"))));
}

TEST_CASE("the clients of a network together may have so many connections", "[front][limits]")
{
    auto narrow = settings(0);
    narrow.network_connections = 3;
    Limits limits(narrow);
    for (auto text : {"192.0.2.1", "192.0.2.2", "192.0.2.255", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:ffff::1"}) {
        limits.enter(address(text));
        CHECK(limits.too_many_of_network(address(text)) == 0);
    }
    limits.enter(address("192.0.3.1"));
    CHECK(limits.too_many_of_network(address("192.0.3.1")) == 0);
    limits.enter(address("192.0.2.77"));
    CHECK(limits.too_many_of_network(address("192.0.2.77")) == 4);
    limits.enter(address("2001:db8::2"));
    CHECK(limits.too_many_of_network(address("2001:db8::2")) == 4);
    limits.leave(address("192.0.2.1"));
    CHECK(limits.too_many_of_network(address("192.0.2.77")) == 0);
}

TEST_CASE("connections may come in a burst, and then at their rate", "[front][limits]")
{
    auto with_burst = settings(0, 60);
    with_burst.connection_burst = 20;
    Limits limits(with_burst);
    auto client = address("192.0.2.1");
    auto comes = [&](Limits::Clock::time_point now) {
        limits.exceeded(client, Event::connection, now);
        return limits.too_fast(client, now);
    };
    for (int i = 0; i < 20; ++i)
        CHECK(comes(start) == 0);
    CHECK(comes(start) == 21);
    CHECK(comes(start + 900ms) == 22);
    CHECK(comes(start + 1s) == 0);  // one a second
    CHECK(comes(start + 1s) == 24);
    CHECK(comes(start + 61s) == 0);
    with_burst.connection_rate = 0;
    Limits without_rate(with_burst);
    for (int i = 0; i < 100; ++i)
        CHECK(without_rate.too_fast(client, start) == 0);
}

TEST_CASE("exceptions have no limit", "[front]")
{
    auto with_exception = settings(1, 1);
    with_exception.exceptions.push_back(*net::Network::parse("127.0.0.0/8"));
    Limits limits(with_exception);
    auto client = address("127.0.0.1");
    limits.enter(client);
    CHECK_FALSE(limits.too_many(client, limits.enter(client)));
    CHECK(limits.exceeded(client, Event::connection, start) == 0);
    CHECK(limits.exceeded(client, Event::connection, start) == 0);
}

TEST_CASE("events are counted per time unit", "[front]")
{
    Limits limits(settings(0, 2, 1));
    auto client = address("192.0.2.1");
    CHECK(limits.exceeded(client, Event::connection, start) == 0);
    CHECK(limits.exceeded(client, Event::connection, start) == 0);
    CHECK(limits.exceeded(client, Event::connection, start + 59s) == 3);
    CHECK(limits.exceeded(client, Event::auth, start + 59s) == 0);
    CHECK(limits.exceeded(client, Event::auth, start + 59s) == 2);
    CHECK(limits.exceeded(client, Event::tls, start) == 0);  // no limit
    CHECK(limits.exceeded(client, Event::connection, start + 60s) == 0);
}

TEST_CASE("who is gone is forgotten", "[front]")
{
    Limits limits(settings(0, 2));
    for (int i = 1; i < 200; ++i)
        limits.exceeded(address(cat("192.0.2.", i)), Event::connection, start);
    limits.enter(address("192.0.2.1"));
    limits.clean_up(start + 30s);
    CHECK(limits.size() == 199);
    limits.clean_up(start + 61s);
    CHECK(limits.size() == 1);
}

TEST_CASE("commands are counted as the disconnect line shows them", "[front]")
{
    service::Counters counters;
    CHECK(counters.text().empty());
    CHECK(counters.summary() == "commands=0/0");
    counters.count("QUIT", true);
    counters.count("auth", false);
    counters.count("EHLO", true);
    counters.count("EHLO", true);
    counters.count("XYZZY", false);
    CHECK(counters.text() == "ehlo=2 auth=0/1 quit=1 unknown=0/1");
    CHECK(counters.summary() == "ehlo=2 auth=0/1 quit=1 unknown=0/1 commands=3/5");
    service::Counters again(counters.text());
    again.count("auth", true);
    CHECK(again.text() == "ehlo=2 auth=1/2 quit=1 unknown=0/1");
    for (auto bad : {"", "x", "=", "mail=", "mail=x", "=1", "mail=2/1", "mail=1/x", "commands=3/4", "xyzzy=1", "mail=-1",
                     "mail=9223372036854775807"})
        CHECK(service::Counters(bad).text().empty());
}
