#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace mta::test {

// A process as /proc shows it.
struct Process {
    pid_t pid = -1, parent = -1;
    char state = '?';     // Z: ended, and nobody has asked how
    std::string program;  // the first 15 characters of its file name
};

// All processes below this one.
std::vector<Process> descendants(pid_t ancestor);

// How many connections the machine has that a client opened to this port of 127.0.0.0/8 and that the server has not closed yet.
int open_connections(int port);

}  // namespace mta::test
