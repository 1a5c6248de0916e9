#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "config/config.h"

namespace mta::config {

// The value of a limit that is ours: a number from 1 on, or the word none. 0 is refused, as it may mean either.
class Limit {
public:
    Limit() = default;
    explicit Limit(std::uint64_t number) : number_(number) {}
    bool is_none() const { return !number_; }
    bool is_exceeded_by(std::uint64_t amount) const { return number_ && amount > *number_; }
    // The largest amount that is allowed.
    std::uint64_t number() const { return number_.value_or(std::numeric_limits<std::uint64_t>::max()); }

private:
    std::optional<std::uint64_t> number_;
};

namespace detail {
template <> constexpr std::string_view type_name<Limit>() { return "number or none"; }
Limit parse_limit(const Base& base);
}  // namespace detail

template <>
class Param<Limit> : private detail::Base {
public:
    Param(Group& group, std::string_view parameter, std::string_view default_value, std::string_view doc)
        : Base(group, parameter, default_value, detail::type_name<Limit>(), doc)
    {
        if (is_read)
            value_ = detail::parse_limit(*this);
    }
    const Limit& operator()() const { return value_; }
    operator const Limit&() const { return value_; }

private:
    Limit value_;
};

}  // namespace mta::config
