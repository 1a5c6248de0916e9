#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/fd.h"

// What a process must not be able to do in its sandbox, tried out.
namespace mta::sandbox {

// The things that a Selftest has made for its probes, such that nothing but a sandbox keeps anybody away from them.
struct Targets {
    std::string directory, file, socket, abstract_socket;
    std::string queue_directory, config_file;
    unsigned short port = 0;   // of a listener on 127.0.0.1
    int connection = -1;       // to it
    pid_t process = 0;
};

struct Probe {
    std::string_view name;
    bool (*attempt)(const Targets& targets);  // whether it worked
};
std::span<const Probe> probes();

// Lets a process find out what it can do: begin() forks a child for each probe; the child goes on until it is where it would
// serve, and there calls attempt(). The first process prints what became of each: "yes", "no", or "killed".
class Selftest {
public:
    Selftest(std::string queue_directory, std::string config_directory, const std::string& owner);
    ~Selftest();
    Selftest(const Selftest&) = delete;

    bool begin();                    // true in the children; false in the first process when all is done
    [[noreturn]] void attempt() const;
    std::string maildir() const { return targets_.directory + "/mailbox"; }  // owned by the owner

private:
    std::string outcome_of(pid_t child) const;
    void make_targets();

    Targets targets_;
    std::string owner_;
    Fd listener_, unix_listener_, abstract_listener_, connection_;
    pid_t parent_;
    std::size_t current_ = 0;
};

}  // namespace mta::sandbox
