#pragma once

#include "base/result.h"
#include "sandbox/rules.h"

namespace mta::sandbox {

// Namespaces of this process's own: IPC and host name; the network unless the rules have one; and unless they have the host's root,
// a root directory with nothing but their paths in it. Needs root; an Error with EPERM in a container without the right to.
Result<void> leave_host(const Rules& rules);

}  // namespace mta::sandbox
