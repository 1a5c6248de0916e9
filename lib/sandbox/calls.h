#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "sandbox/rules.h"

namespace mta::sandbox {

// Holds if the masked half of an argument has the value.
struct Condition {
    enum class Value { given, own_pid };
    unsigned argument = 0;
    std::uint32_t mask = ~0u, value = 0;
    bool is_upper = false;  // of the 64 bits
    Value kind = Value::given;
};

// A few of them in place: the tables of calls are constants, for which no memory is asked before main().
class Conditions {
public:
    constexpr Conditions() = default;
    constexpr Conditions(std::initializer_list<Condition> conditions) : size_(conditions.size())
    {
        std::size_t at = 0;
        for (const auto& condition : conditions)
            held_.at(at++) = condition;  // too many do not compile
    }
    constexpr const Condition* begin() const { return held_.data(); }
    constexpr const Condition* end() const { return begin() + size_; }
    constexpr std::size_t size() const { return size_; }
    constexpr bool empty() const { return size_ == 0; }

private:
    std::array<Condition, 3> held_{};
    std::size_t size_ = 0;
};

// A system call, under all of the conditions. Listed twice, either list of conditions is enough.
struct Call {
    long number = 0;
    Conditions conditions = {};
};

std::vector<Call> calls_in(const std::vector<Calls>& groups);

// What no program of a mail system, and no command that it runs for a user, has a use for: other people's
// processes, the kernel's own interfaces, mounts and namespaces.
std::vector<Call> never_needed();
// Those of them that daemons need before they are in their sandboxes left out.
std::vector<Call> never_needed_by_anyone();

}  // namespace mta::sandbox
