#include "dns/name.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/text.h"

namespace mta::dns {

namespace {

constexpr std::size_t max_name_bytes = 253;
constexpr std::size_t max_label_bytes = 63;

template <class Check>
bool all_labels(std::string_view name, Check check)
{
    if (name.empty() || name.size() > max_name_bytes)
        return false;
    for (auto label : split(name, '.'))
        if (label.empty() || label.size() > max_label_bytes || !check(label))
            return false;
    return true;
}

bool is_name_character(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; }

}  // namespace

bool is_valid_name(std::string_view name)
{
    return all_labels(name, [](std::string_view label) {
        return std::all_of(label.begin(), label.end(), [](char c) { return is_name_character(c) || c == '/'; });
    });
}

bool is_valid_hostname(std::string_view name)
{
    bool is_numeric = std::all_of(name.begin(), name.end(), [](char c) { return is_digit(c) || c == '.'; });
    return !is_numeric && all_labels(name, [](std::string_view label) {
        return std::all_of(label.begin(), label.end(), is_name_character) && label.front() != '-' && label.back() != '-';
    });
}

std::string random_case(std::string_view name)
{
    auto bits = random_bytes((name.size() + 7) / 8);
    std::string mixed(name);
    for (std::size_t i = 0; i < mixed.size(); ++i)
        mixed[i] = (bits[i / 8] >> i % 8 & 1) != 0 ? upper(mixed[i]) : lower(mixed[i]);
    return mixed;
}

}  // namespace mta::dns
