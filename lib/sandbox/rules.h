#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

// What one process is allowed to do. Everything else is forbidden; see sandbox.h.
namespace mta::sandbox {

// A file or directory that the process sees at its usual place. One that does not exist is left out.
struct Path {
    enum class Use {
        see,    // it is there, and nothing of it may be opened: a socket to connect to
        read,   // everything below may be read
        write,  // and changed
        hide,   // an empty directory is there instead; for a part of another Path
    };
    std::string name;
    Use use = Use::read;
};

// Groups of system calls; calls.cc says what is in each. The first is everybody's.
enum class Calls {
    base,         // memory, time, waiting, descriptors that are there, sockets that are connected
    serve,        // accept
    connect,      // Unix sockets
    internet,     // TCP connections to others
    datagram,     // UDP
    bind,         // a local address before a connection
    read_files,
    write_files,
    watch_files,  // inotify
    fork,         // children that do the same, and their end
    signal,       // to other processes
    threads,
    execute,      // other programs
    enter,        // to become another user in a narrower sandbox
};

struct Rules {
    std::vector<Path> paths;
    std::vector<Calls> calls;
    bool has_root = false;         // sees the root directory of the host, and not only its paths
    bool has_any_file = false;     // is not limited to its paths in what it opens
    bool runs_programs = false;    // whatever their users like: only what no program needs is forbidden
    bool has_network = false;      // else it is in a network of its own with nothing in it
    std::uint64_t max_data_bytes = std::numeric_limits<std::uint64_t>::max();  // of memory
    // The ports that TCP connections may go to; nothing: any port.
    std::optional<std::vector<std::uint16_t>> ports = std::vector<std::uint16_t>{};

    Rules& add(Path::Use use, const std::string& name)
    {
        paths.push_back({name, use});
        return *this;
    }
    Rules& add(std::initializer_list<Calls> groups)
    {
        calls.insert(calls.end(), groups);
        return *this;
    }
    // A socket of another daemon.
    Rules& socket(const std::string& name)
    {
        calls.push_back(Calls::connect);
        return add(Path::Use::see, name);
    }
};

}  // namespace mta::sandbox
