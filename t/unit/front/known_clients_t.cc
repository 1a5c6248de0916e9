#include "front/known_clients.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;
using namespace mta::front;
using namespace std::chrono_literals;

namespace {

const auto start = KnownClients::Clock::time_point() + 1h;

net::Address client(std::size_t number) { return *net::Address::parse(cat("10.", number >> 16, ".", number >> 8 & 255, ".", number & 255)); }

}  // namespace

TEST_CASE("a good client is known for a day after its last good deed", "[front][limits]")
{
    KnownClients known;
    known.remember(client(1), start);
    CHECK(known.knows(client(1), start + 23h));
    CHECK_FALSE(known.knows(client(2), start));
    CHECK_FALSE(known.knows(client(1), start + 24h));
    known.remember(client(1), start + 20h);
    CHECK(known.knows(client(1), start + 43h));
    CHECK(known.size() == 1);
}

TEST_CASE("of too many good clients those are forgotten that did not come back", "[front][limits]")
{
    KnownClients known;
    for (std::size_t i = 0; i < KnownClients::max_clients; ++i)
        known.remember(client(i), start);
    known.remember(client(0), start + 1s);
    known.remember(client(KnownClients::max_clients), start + 2s);
    CHECK(known.size() == KnownClients::max_clients);
    CHECK(known.knows(client(0), start + 3s));
    CHECK_FALSE(known.knows(client(1), start + 3s));
    CHECK(known.knows(client(2), start + 3s));
    CHECK(known.knows(client(KnownClients::max_clients), start + 3s));
}
