#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "base/text.h"

// What becomes of a process: "0" and so on for how it exits, "killed 31" for a signal.
namespace mta::test {

inline std::string fate_of(const std::function<int()>& life)
{
    pid_t child = ::fork();
    if (child == 0)
        ::_exit(life());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? cat("killed ", WTERMSIG(status)) : cat(WEXITSTATUS(status));
}

}  // namespace mta::test
