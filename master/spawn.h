#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace mta::master {

// What the processes of one master have in common.
struct Surroundings {
    std::vector<std::string> environment;  // name=value, nothing else
    bool keeps_output = false;             // standard output and error are master's, else /dev/null
    int hit_counts = -1;                   // the memory where all count hits of limits; it follows the sockets
};

struct Spawned {
    pid_t pid = -1;
    Fd channel;  // our end: 'R' comes when the process is ready; its end of file means that we are gone
};

// Descriptor 3 of a started process is its end of the channel, its sockets follow.
constexpr int channel_descriptor = 3;
constexpr int first_socket_descriptor = 4;

// Starts a program, in a process group of its own, with exactly the descriptors 0, 1, 2, the channel, these sockets and what the surroundings have.
Result<Spawned> spawn(const std::string& program, const std::vector<std::string>& arguments, const std::vector<int>& sockets,
                      const Surroundings& surroundings);

// The environment that import_environment describes: "NAME" keeps a value, "NAME=value" sets one.
std::vector<std::string> make_environment(const std::vector<std::string>& rules);

}  // namespace mta::master
