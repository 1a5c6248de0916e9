#pragma once

#include "base/result.h"
#include "sandbox/rules.h"

namespace mta::sandbox {

// What the kernel knows of Landlock: 0 nothing, 4 TCP ports, 6 signals and abstract sockets.
int landlock_version();

// Limits what this process and its children may open and connect to, as far as the kernel can; a kernel without Landlock is
// no Error. Needs no_new_privs.
Result<void> restrict_with_landlock(const Rules& rules);

}  // namespace mta::sandbox
