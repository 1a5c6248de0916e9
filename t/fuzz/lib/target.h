#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

// What all fuzz targets share. A target is one file t/fuzz/NAME.cc:
//
//   // Covers: lib/smtp/command.cc
//   FUZZ(input)                     // a std::string_view
//   {
//       ...
//       HOLDS(parse(print(value)) == value);
//   }
//
// "Covers" names the files whose coverage t/fuzz/coverage counts. The compiler gives each target's entry another name where
// several are linked into one program (t/fuzz/replay).
#define FUZZ(input)                                                                                       \
    static void fuzz_one(std::string_view input);                                                         \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);                    \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)                     \
    {                                                                                                     \
        mta::fuzz::run(fuzz_one, {reinterpret_cast<const char*>(data), size});                            \
        return 0;                                                                                         \
    }                                                                                                     \
    static void fuzz_one(std::string_view input)

// An oracle: what must be true of every input. Aborts if it is not.
#define HOLDS(condition) ((condition) ? void() : mta::fuzz::broken(#condition, __FILE__, __LINE__))

namespace mta::fuzz {

[[noreturn]] inline void broken(const char* condition, const char* file, int line)
{
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    std::abort();
}

// Runs the target; says so when an input takes longer than any before and too long: that is what an attacker looks for.
inline void run(void (*target)(std::string_view), std::string_view input)
{
    constexpr std::clock_t limit = CLOCKS_PER_SEC / 10;
    static std::clock_t longest = limit;
    auto begin = std::clock();
    target(input.empty() ? std::string_view() : input);
    auto used = std::clock() - begin;
    if (used <= longest)
        return;
    longest = used;
    std::fprintf(stderr, "SLOW: %zu bytes took %ld ms\n", input.size(), static_cast<long>(used / (CLOCKS_PER_SEC / 1000)));
}

// Takes an input apart: decisions from its front, texts between NULs, the rest. Every input has a meaning.
class Input {
public:
    explicit Input(std::string_view bytes) : rest_(bytes) {}

    bool is_empty() const { return rest_.empty(); }
    // From 0 to below limit; 0 at the end.
    std::size_t number(std::size_t limit)
    {
        std::size_t value = 0;
        for (std::size_t room = limit > 0 ? limit - 1 : 0; room > 0 && !rest_.empty(); room >>= 8) {
            value = value << 8 | static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
        }
        return limit == 0 ? 0 : value % limit;
    }
    bool flag() { return number(2) == 1; }
    // Up to the separator, which goes.
    std::string_view text(char separator = '\0')
    {
        auto end = rest_.find(separator);
        auto text = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        return text;
    }
    std::string_view bytes(std::size_t count)
    {
        auto piece = rest_.substr(0, count);
        rest_.remove_prefix(piece.size());
        return piece;
    }
    std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

// The text in pieces whose lengths depend on the seed.
template <class Each>
void in_pieces(std::string_view text, std::size_t seed, const Each& each)
{
    auto state = static_cast<std::uint32_t>(seed * 2654435761u + 1);
    while (!text.empty()) {
        state = state * 1664525u + 1013904223u;
        auto size = std::min<std::size_t>(seed == 0 ? 1 : 1 + (state >> 20) % 24, text.size());
        each(text.substr(0, size));
        text.remove_prefix(size);
    }
}

}  // namespace mta::fuzz
