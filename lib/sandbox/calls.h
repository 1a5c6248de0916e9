#pragma once

#include <cstdint>
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

// A system call, under all of the conditions. Listed twice, either list of conditions is enough.
struct Call {
    long number = 0;
    std::vector<Condition> conditions = {};
};

std::vector<Call> calls_in(const std::vector<Calls>& groups);

// What no program of a mail system, and no command that it runs for a user, has a use for: other people's
// processes, the kernel's own interfaces, mounts and namespaces.
std::vector<Call> never_needed();
// Those of them that daemons need before they are in their sandboxes left out.
std::vector<Call> never_needed_by_anyone();

}  // namespace mta::sandbox
