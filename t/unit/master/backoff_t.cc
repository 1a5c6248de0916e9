#include "master/backoff.h"

#include <catch2/catch.hpp>

using mta::master::Backoff;
using namespace std::chrono_literals;

TEST_CASE("a process that fails at its start is started again more and more slowly", "[master]")
{
    Backoff backoff(10s);
    for (auto delay : {1000, 2000, 4000, 8000, 10000, 10000})
        CHECK(backoff.after(std::nullopt).count() == delay);
}

TEST_CASE("a process that worked for a while is started again at once, and forgiven", "[master]")
{
    Backoff backoff(60s);
    CHECK(backoff.after(std::nullopt) == 1s);
    CHECK(backoff.after(100ms) == 2s);
    CHECK(backoff.after(5s) == 0s);
    CHECK(backoff.after(std::nullopt) == 1s);
}

TEST_CASE("the first delay is not longer than service_throttle_time", "[master]")
{
    Backoff backoff(500ms);
    CHECK(backoff.after(std::nullopt) == 500ms);
}
