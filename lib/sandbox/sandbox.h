#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/rules.h"
#include "sandbox/seccomp.h"

// What a process gives up so that breaking it gains nothing. The order, of which a change of user is the middle:
//   leave_host()           namespaces and a root directory with nothing in it (root.h)
//   limit_capabilities()   what root may still do; nothing for everybody else
//   (the user)             daemon::become()
//   give_up_privileges()   no_new_privs, no core, no debugger
//   restrict_with_landlock(), Filter::load()
// Each can be left out where it is not possible: without root, in a container, on a kernel without it.
namespace mta::sandbox {

// A build with sanitizers needs what no sandbox has: only user and capabilities change then.
constexpr bool is_sanitized =
#if defined(__SANITIZE_ADDRESS__)
    true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

// Removes all but these from the capabilities that this process, and what it starts, can ever have. Nothing without root.
Result<void> limit_capabilities(const std::vector<int>& kept);

// The parents of workers that become mailbox owners, which stay root.
const std::vector<int>& capabilities_of_parents();
// master, whose children need them to enter their sandboxes.
const std::vector<int>& capabilities_of_master();

Result<void> give_up_privileges();

// The filter that goes with the rules.
Filter filter_of(const Rules& rules);

// Limits what this process may use, then Landlock and the filter: from here on the rules hold.
Result<void> enter(const Rules& rules, const Filter& filter);

// Whether leave_host() works at all here; tries it in a child.
bool can_leave_host();
// What to add to "killed by signal N" for who reads the log; empty if it was not the sandbox.
std::string_view explain_signal(int signal);

// What this kernel or container does not have, a sentence each: for one warning at start.
std::vector<std::string> missing_facilities();

}  // namespace mta::sandbox
