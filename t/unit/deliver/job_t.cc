#include <catch2/catch.hpp>

#include "deliver/agent.h"

using namespace mta;

TEST_CASE("delays are logged with two significant digits", "[deliver]")
{
    struct Case { double seconds; std::string text; };
    for (const auto& c : {Case{-1, "0"}, {0.004, "0"}, {0.006, "0.01"}, {0.05, "0.05"}, {0.3, "0.3"}, {0.996, "1"}, {1.23, "1.2"},
                          {9.96, "10"}, {12.4, "12"}, {3600, "3600"}})
        CHECK(deliver::format_delay(c.seconds) == c.text);
}
