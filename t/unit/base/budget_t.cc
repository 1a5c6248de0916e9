#include "base/budget.h"

#include <catch2/catch.hpp>
#include <cstdint>

using namespace mta;

TEST_CASE("a budget is filled to the last byte and no further", "[base][limits]")
{
    Budget budget(100);
    Budget::Share input(budget), output(budget);
    CHECK(input.resize(60));
    CHECK(output.resize(39));
    CHECK(output.resize(40));
    CHECK_FALSE(output.resize(41));
    CHECK(output.size() == 40);
    CHECK(budget.left() == 0);
    CHECK_FALSE(input.grow(1));
    CHECK(input.grow(0));
    CHECK_FALSE(input.grow(SIZE_MAX));
    CHECK_FALSE(input.resize(SIZE_MAX));
    CHECK(budget.used() == 100);
}

TEST_CASE("what is not kept any more is given back", "[base][limits]")
{
    Budget budget(10);
    Budget::Share kept(budget);
    CHECK(kept.resize(2));
    {
        Budget::Share share(budget);
        CHECK(share.grow(8));
        CHECK_FALSE(kept.resize(3));
        CHECK(kept.resize(1));
    }
    CHECK(budget.used() == 1);
    kept.clear();
    CHECK(budget.used() == 0);
    CHECK(budget.highest() == 10);
}

TEST_CASE("a budget that becomes smaller takes nothing away", "[base][limits]")
{
    Budget budget(10);
    Budget::Share share(budget);
    CHECK(share.resize(8));
    budget.set_limit(4);
    CHECK(budget.left() == 0);
    CHECK_FALSE(share.resize(9));
    CHECK(share.resize(7));
    CHECK(share.resize(3));
    CHECK(share.resize(4));
    CHECK_FALSE(share.resize(5));
}
