#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "net/address.h"

namespace mta::master {

// Where a listening socket is bound.
struct Socket {
    std::optional<net::Endpoint> endpoint;  // nothing: a Unix socket
    std::string path;                       // of the Unix socket, below queue_directory (master's working directory)
    unsigned mode = 0;                      // of the Unix socket
    std::string text() const;
    auto operator<=>(const Socket&) const = default;
};

// All open listening sockets. They belong to master, so that no connection is lost while a service is replaced.
class Sockets {
public:
    struct Owner {
        unsigned uid, gid;
    };
    // Unix sockets are given to this user, if master is root.
    void set_owner(Owner owner) { owner_ = owner; }

    // Binds those that are not open yet, without closing any. All or none: after an Error everything is as it was.
    // patience: how long to wait for ports that are in use; the daemons of a master that was killed still let them go.
    Result<void> open(const std::vector<Socket>& wanted, std::chrono::milliseconds patience = {});
    // Closes all others, and removes their names.
    void keep_only(const std::vector<Socket>& wanted);
    // Descriptors in the order of the sockets, which must be open.
    std::vector<int> descriptors(const std::vector<Socket>& sockets) const;
    std::size_t size() const { return open_.size(); }

private:
    Result<Fd> bind(const Socket& socket) const;
    Result<Fd> bind(const Socket& socket, std::chrono::steady_clock::time_point deadline) const;

    std::map<Socket, Fd> open_;
    std::optional<Owner> owner_;
};

}  // namespace mta::master
