#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "t/lib/suite.h"

// For the tests of the sandbox.
namespace mta::test {

// Says why not, if this machine cannot show it.
bool has_sandbox();

// A line of /proc/PID/status; "" without one.
std::string status_of(pid_t pid, const std::string& field);

// Every process of the instance, master too.
struct Suspect {
    pid_t pid;
    std::string program;
};
std::vector<Suspect> suspects(const Suite& suite);

}  // namespace mta::test
