#include "queue/id.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/checksum.h"
#include "base/text.h"

namespace mta::queue {

namespace {

constexpr std::string_view alphabet = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";  // no vowels: no words
constexpr std::size_t id_length = 16;

void put(std::string& out, std::uint64_t number, unsigned base, int digits)
{
    auto begin = out.size();
    for (int i = 0; i < digits; ++i, number /= base)
        out.push_back(alphabet[number % base]);
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end());
}

}  // namespace

bool may_be_id(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c); });
}

std::int64_t now()
{
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::string new_id(std::int64_t microseconds, std::uint64_t random)
{
    std::string id;
    put(id, static_cast<std::uint64_t>(microseconds / 1000000), 52, 6);
    put(id, static_cast<std::uint64_t>(microseconds % 1000000), 52, 4);
    id += 'z';
    put(id, random, 51, 5);
    return id;
}

std::string new_id()
{
    auto bytes = random_bytes(sizeof(std::uint64_t));
    std::uint64_t random;
    std::memcpy(&random, bytes.data(), sizeof random);
    return new_id(now(), random);
}

bool is_id(std::string_view text)
{
    return text.size() == id_length && text.find_first_not_of(alphabet) == std::string_view::npos && text[10] == 'z';
}

}  // namespace mta::queue
