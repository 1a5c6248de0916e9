#include "qmgr/backoff.h"

#include <catch2/catch.hpp>

using mta::qmgr::backoff;

TEST_CASE("mail waits as long as it is old, between the limits, and a little longer but never less", "[qmgr]")
{
    struct Case { std::int64_t age, least, most, at_least; };
    for (const auto& c : {Case{0, 300, 4000, 300}, {299, 300, 4000, 300}, {1000, 300, 4000, 1000}, {100000, 300, 4000, 4000}, {0, 1, 1, 1}, {50, 10, 5, 10}, {-5, 2, 4, 2}}) {
        CAPTURE(c.age, c.least, c.most);
        CHECK(backoff(c.age, c.least, c.most, 0) == c.at_least + 1);
        CHECK(backoff(c.age, c.least, c.most, 1) <= c.at_least + c.at_least / 5 + 2);
        CHECK(backoff(c.age, c.least, c.most, 0.5) > c.at_least);
    }
}
