#include "growth.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>

namespace mta::test {

namespace {

// What is more than proportional is far above this; how far below it is, is a question of caches and of who else computes.
// BUUTA_GROWTH sets another factor.
constexpr double usual_factor = 30, min_seconds = 0.002;
constexpr int rounds = 3, more_rounds = 12;

double cpu_seconds()
{
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double seconds_of(const std::function<void()>& work, int times)
{
    auto start = cpu_seconds();
    for (int i = 0; i < times; ++i)
        work();
    return cpu_seconds() - start;
}

}  // namespace

void check_growth(std::string_view what, const std::function<void()>& once, const std::function<void()>& tenfold)
{
    const char* wanted = std::getenv("BUUTA_GROWTH");
    const double max_factor = wanted ? std::atof(wanted) : usual_factor;
    int times = 1;
    double small = seconds_of(once, times);
    for (; small < min_seconds && times < (1 << 20); times *= 2)
        small = seconds_of(once, 2 * times);
    // What disturbs a measurement makes it longer: the shortest of several is nearest to the truth.
    double large = std::numeric_limits<double>::max();
    for (int round = 0; round < rounds || (round < more_rounds && large > max_factor * small); ++round) {
        small = std::min(small, seconds_of(once, times));
        large = std::min(large, seconds_of(tenfold, times));
    }
    std::printf("complexity: %-46s x 10 takes x %5.1f (target 12), %.3f ms\n", std::string(what).c_str(), large / small, small / times * 1000);
    INFO(what << ": " << small / times * 1000 << " ms, ten times the input: " << large / times * 1000 << " ms");
    CHECK(large <= max_factor * small);
}

}  // namespace mta::test
