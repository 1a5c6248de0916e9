#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace mta::test {

// Ten times the input may take at most twelve times the CPU time: fails the test if that is so again and again. Prints the factor.
void check_growth(std::string_view what, const std::function<void()>& once, const std::function<void()>& tenfold);

// The same for the input that make(n) gives; only the work with it is measured.
template <class Make, class Work>
void check_growth(std::string_view what, std::size_t n, Make make, Work work)
{
    const auto small = make(n), large = make(10 * n);
    check_growth(what, [&] { (void)work(small); }, [&] { (void)work(large); });
}

inline std::string repeat(std::string_view text, std::size_t times)
{
    std::string all;
    for (std::size_t i = 0; i < times; ++i)
        all += text;
    return all;
}

}  // namespace mta::test
