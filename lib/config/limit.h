#pragma once

#include <chrono>
#include <concepts>
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

// The same of a time: a second at least, or the word none.
class TimeLimit {
public:
    TimeLimit() = default;
    explicit TimeLimit(std::chrono::seconds time) : time_(time) {}
    bool is_none() const { return !time_; }
    bool is_reached_by(std::chrono::steady_clock::duration time) const { return time_ && time >= *time_; }
    const std::optional<std::chrono::seconds>& time() const { return time_; }

private:
    std::optional<std::chrono::seconds> time_;
};

namespace detail {
template <> constexpr std::string_view type_name<Limit>() { return "number or none"; }
template <> constexpr std::string_view type_name<TimeLimit>() { return "time or none"; }
void parse_limit(const Base& base, Limit& value);
void parse_limit(const Base& base, TimeLimit& value);
}  // namespace detail

template <class T>
    requires std::same_as<T, Limit> || std::same_as<T, TimeLimit>
class Param<T> : private detail::Base {
public:
    Param(Group& group, std::string_view parameter, std::string_view default_value, std::string_view doc)
        : Base(group, parameter, default_value, detail::type_name<T>(), doc)
    {
        if (is_read)
            detail::parse_limit(*this, value_);
    }
    const T& operator()() const { return value_; }
    operator const T&() const { return value_; }

private:
    T value_;
};

}  // namespace mta::config
