#include "growth.h"

#include <malloc.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>

namespace mta::test {

namespace {

// What is more than proportional is far above this; how far below it is, is a question of who else computes.
// BUUTA_GROWTH sets another factor.
constexpr double usual_factor = 20, min_seconds = 0.002;
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

// Memory that was freed stays in the process: getting it from the kernel again for each large input would be measured, too.
void keep_memory()
{
    constexpr int most = 1 << 30;
    ::mallopt(M_MMAP_THRESHOLD, most);
    ::mallopt(M_TRIM_THRESHOLD, most);
}

}  // namespace

void check_growth(std::string_view what, const std::function<void()>& ten_small, const std::function<void()>& tenfold)
{
    keep_memory();
    const char* wanted = std::getenv("BUUTA_GROWTH");
    const double max_factor = wanted ? std::atof(wanted) : usual_factor;
    int times = 1;
    double small = seconds_of(ten_small, times);
    for (; small < min_seconds && times < (1 << 20); times *= 2)
        small = seconds_of(ten_small, 2 * times);
    // What disturbs a measurement makes it longer: the shortest of several is nearest to the truth.
    double large = std::numeric_limits<double>::max();
    auto factor = [&] { return 10 * large / small; };
    for (int round = 0; round < rounds || (round < more_rounds && factor() > max_factor); ++round) {
        small = std::min(small, seconds_of(ten_small, times));
        large = std::min(large, seconds_of(tenfold, times));
    }
    const double small_ms = small / times / 10 * 1000;
    std::printf("complexity: %-46s x 10 takes x %5.1f (target 12), %.3f ms\n", std::string(what).c_str(), factor(), small_ms);
    INFO(what << ": " << small_ms << " ms, ten times the input: " << large / times * 1000 << " ms");
    CHECK(factor() <= max_factor);
}

}  // namespace mta::test
