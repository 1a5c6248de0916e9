#include "master/socket.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/text.h"
#include "net/stream.h"

namespace mta::master {

namespace {

constexpr auto retry_interval = std::chrono::milliseconds(100);

void remove_name(const Socket& socket)
{
    if (!socket.endpoint)
        ::unlink(socket.path.c_str());
}

Error with_hint(Error error, const Socket& socket)
{
    if (errno == EACCES && socket.endpoint && socket.endpoint->port < 1024 && ::geteuid() != 0)
        error.text += " (ports below 1024 need root)";
    if (errno == EADDRINUSE && socket.endpoint)
        error.text += " (does another mail server run?)";
    return error;
}

}  // namespace

std::string Socket::text() const { return endpoint ? endpoint->text() : path; }

Result<Fd> Sockets::bind(const Socket& socket) const
{
    auto fd = socket.endpoint ? net::listen_tcp(*socket.endpoint) : net::listen_unix(socket.path, socket.mode);
    if (!fd)
        return fd;
    if (!socket.endpoint && owner_ && ::geteuid() == 0)
        if (::lchown(socket.path.c_str(), owner_->uid, owner_->gid) != 0)
            return errno_error(cat("chown ", socket.path));
    return fd;
}

Result<Fd> Sockets::bind(const Socket& socket, std::chrono::steady_clock::time_point deadline) const
{
    while (true) {
        errno = 0;
        auto fd = bind(socket);
        if (fd || errno != EADDRINUSE || std::chrono::steady_clock::now() >= deadline)
            return fd ? std::move(fd) : Result<Fd>(with_hint(fd.error(), socket));
        std::this_thread::sleep_for(retry_interval);
    }
}

Result<void> Sockets::open(const std::vector<Socket>& wanted, std::chrono::milliseconds patience)
{
    auto deadline = std::chrono::steady_clock::now() + patience;
    std::map<Socket, Fd> fresh;
    for (const auto& socket : wanted) {
        if (open_.contains(socket) || fresh.contains(socket))
            continue;
        auto fd = bind(socket, deadline);
        if (!fd) {
            for (const auto& entry : fresh)
                remove_name(entry.first);
            return fd.error();
        }
        net::set_nonblocking(fd->get(), true);  // a peer that is gone before accept() must not block anyone
        fresh.emplace(socket, std::move(*fd));
    }
    open_.merge(fresh);
    return {};
}

void Sockets::keep_only(const std::vector<Socket>& wanted)
{
    std::erase_if(open_, [&](const auto& entry) {
        bool is_wanted = std::find(wanted.begin(), wanted.end(), entry.first) != wanted.end();
        if (!is_wanted)
            remove_name(entry.first);
        return !is_wanted;
    });
}

std::vector<int> Sockets::descriptors(const std::vector<Socket>& sockets) const
{
    std::vector<int> result;
    for (const auto& socket : sockets)
        result.push_back(open_.at(socket).get());
    return result;
}

}  // namespace mta::master
