#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "sandbox/calls.h"

// System call filters.
namespace mta::sandbox {

// A filter in the kernel's form. Made once, by a parent; loaded by each of its workers.
class Filter {
public:
    enum class Kind {
        allow,   // what is listed; the process is killed for the rest
        forbid,  // what is listed fails with EPERM; for processes that run programs of others
    };
    Filter() = default;  // loads nothing
    static Filter make(Kind kind, const std::vector<Call>& calls);

    // Holds from now on for this process and what it starts. Needs no_new_privs or CAP_SYS_ADMIN.
    Result<void> load() const;
    std::size_t size() const { return code_.size(); }

private:
    friend class Compiler;
    std::vector<sock_filter> code_;
    std::vector<std::size_t> own_pid_;  // where this process's ID has to be put in
};

}  // namespace mta::sandbox
