#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mta::test {

// An input of ten times the size may take at most twelve times the CPU time: tenfold() works with one, ten_small() with ten of the
// usual size, so that both have as much memory to go through. Fails the test if the bound is missed again and again. Prints the factor.
void check_growth(std::string_view what, const std::function<void()>& ten_small, const std::function<void()>& tenfold);

// The same for the input that make(n) gives; only the work with it is measured.
template <class Make, class Work>
void check_growth(std::string_view what, std::size_t n, Make make, Work work)
{
    std::vector<decltype(make(n))> small;
    for (int i = 0; i < 10; ++i)
        small.push_back(make(n));
    const auto large = make(10 * n);
    auto ten_small = [&] {
        for (const auto& each : small)
            (void)work(each);
    };
    check_growth(what, ten_small, [&] { (void)work(large); });
}

inline std::string repeat(std::string_view text, std::size_t times)
{
    std::string all;
    for (std::size_t i = 0; i < times; ++i)
        all += text;
    return all;
}

}  // namespace mta::test
