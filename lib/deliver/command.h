#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "deliver/agent.h"

// Mail to an external command, as pipe(8) and local(8) do it: the message on its standard input, what it prints and how
// it exits decide about the mail.
namespace mta::deliver {

struct Command {
    std::vector<std::string> arguments;    // the program first, searched in PATH if it has no slash; no shell
    std::vector<std::string> environment;  // name=value, nothing else
    std::string directory;                 // working directory; empty: as it is
    std::chrono::seconds time_limit{1000};
    long process_limit = 1000;             // of the user, from which on it can start no more (RLIMIT_NPROC)
    std::function<void()> progress = [] {};  // called now and then while it runs
};

// The next piece of the message; empty at its end. Throws what reading a file throws.
using Source = std::function<std::string()>;

struct Ended {
    int wait_status = 0;                   // as waitpid(2) gives it
    bool timed_out = false;                // and was killed
    std::optional<Error> not_started;      // nothing was done
    std::string output;                    // the beginning of what it printed, on one line
};

// Runs the command with the identity of this process, in a process group of its own and with no other descriptors.
// A command that does not read everything is no error.
Ended run_command(const Command& command, const Source& source);

// What that means for the mail, by sysexits.h; an enhanced status at the start of the output of a failed command goes
// before its exit status. Success has no text yet.
Outcome judge(const Ended& ended, const std::string& command_line);

// The environment for commands: PATH, and what export_environment names ("TZ", "LANG=C").
std::vector<std::string> command_environment(const std::vector<std::string>& rules);

}  // namespace mta::deliver
