#include "net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "base/text.h"

namespace mta::net {

namespace {

constexpr std::size_t read_bytes = 65536;
constexpr std::size_t max_unsent_bytes = 65536;
constexpr std::chrono::milliseconds silence = 1s;  // of a peer, until a waiter takes over

using Clock = std::chrono::steady_clock;

[[noreturn]] void lost_by_errno()
{
    auto text = errno_error("connection").text;
    throw Lost(Lost::Kind::error, text);
}

}  // namespace

bool wait_ready(int fd, short events, Transport::Deadline deadline)
{
    while (true) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd poll{fd, events, 0};
        int count = ::poll(&poll, 1, static_cast<int>(std::clamp<long>(left, 0, 86400000)));
        if (count > 0)
            return true;
        if (count < 0 && errno != EINTR)
            lost_by_errno();
        if (count == 0 && Clock::now() >= deadline)
            return false;
    }
}

Stream::Stream(Fd fd) : fd_(std::move(fd)) {}

Stream::~Stream()
{
    if (fd_ && transport_)
        transport_->close();
}

Fd Stream::release_fd() { return std::move(fd_); }

std::optional<bool> Stream::fill_until(Deadline deadline)
{
    if (!out_.empty())
        flush(write_limit_);
    if (begin_ > 0) {
        in_.erase(0, begin_);
        begin_ = 0;
    }
    auto old_size = in_.size();
    // The compiler would clear it for each read (-ftrivial-auto-var-init); nothing but what was read is used.
    char chunk[read_bytes] __attribute__((uninitialized));
    auto count = transport_ ? std::optional(transport_->read(chunk, sizeof chunk, deadline)) : receive(chunk, sizeof chunk, deadline);
    if (!count)
        return std::nullopt;
    in_.resize(old_size);
    in_.append(chunk, *count);
    return *count > 0;
}

bool Stream::fill(Deadline deadline)
{
    auto has_more = fill_until(deadline);
    if (!has_more)
        throw Lost(Lost::Kind::timeout, "timeout");
    return *has_more;
}

// One read, without a poll before it: SO_RCVTIMEO carries the time limit and is only set when it must change.
std::optional<std::size_t> Stream::receive(char* into, std::size_t size, Deadline deadline)
{
    while (true) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0)
            return std::nullopt;
        auto limit = waiter_ ? std::min(left, silence) : left;
        // A limit that is only a little longer than what is left does no harm; a new one costs a system call.
        if (receive_timeout_ < limit || receive_timeout_ > limit + limit / 4 + 1s) {
            timeval time{limit.count() / 1000, limit.count() % 1000 * 1000};
            ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
            receive_timeout_ = limit;
        }
        auto result = ::read(fd_.get(), into, size);
        if (result >= 0)
            return static_cast<std::size_t>(result);
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait(deadline))  // also for descriptors that do not block
                return std::nullopt;
        } else if (errno != EINTR) {
            lost_by_errno();
        }
    }
}

bool Stream::wait(Deadline deadline) { return waiter_ ? waiter_(fd_.get(), deadline) : wait_ready(fd_.get(), POLLIN, deadline); }

std::string Stream::line(Seconds limit, std::size_t max_bytes)
{
    auto line = raw_line(limit, max_bytes + 2);
    if (line.empty() || line.back() != '\n')
        throw Lost(Lost::Kind::too_long, "line too long");
    line.pop_back();
    if (!line.empty() && line.back() == '\r')
        line.pop_back();
    if (line.size() > max_bytes)
        throw Lost(Lost::Kind::too_long, "line too long");
    return line;
}

std::string Stream::raw_line(Seconds limit, std::size_t max_bytes)
{
    auto deadline = Clock::now() + limit;
    std::size_t searched = 0;
    while (true) {
        auto have = std::string_view(in_).substr(begin_);
        auto end = have.find('\n', searched);
        if (end != std::string_view::npos || have.size() >= max_bytes) {
            auto size = std::min(end == std::string_view::npos ? max_bytes : end + 1, max_bytes);
            std::string line(have.substr(0, size));
            consume(size);
            return line;
        }
        searched = have.size();
        if (!fill(deadline))
            throw Lost(Lost::Kind::closed, "end of file");
    }
}

std::string Stream::read_exactly(std::size_t size, Seconds limit)
{
    auto deadline = Clock::now() + limit;
    while (in_.size() - begin_ < size)
        if (!fill(deadline))
            throw Lost(Lost::Kind::closed, "end of file");
    std::string bytes = in_.substr(begin_, size);
    consume(size);
    return bytes;
}

std::string_view Stream::peek(Seconds limit)
{
    if (!has_buffered())
        fill(Clock::now() + limit);
    return std::string_view(in_).substr(begin_);
}

void Stream::consume(std::size_t size)
{
    begin_ += size;
    if (begin_ >= in_.size()) {
        in_.clear();
        begin_ = 0;
    }
}

void Stream::discard_buffered()
{
    in_.clear();
    begin_ = 0;
}

void Stream::unread(std::string_view bytes)
{
    in_.erase(0, begin_);
    begin_ = 0;
    in_.insert(0, bytes);
}

std::string Stream::take_buffered()
{
    auto bytes = in_.substr(begin_);
    discard_buffered();
    return bytes;
}

void Stream::write(std::string_view bytes)
{
    out_.append(bytes);
    if (out_.size() >= max_unsent_bytes)
        flush(write_limit_);
}

void Stream::flush(Seconds limit)
{
    if (out_.empty())
        return;
    std::string bytes = std::move(out_);
    out_.clear();
    send(bytes, Clock::now() + limit);
}

void Stream::send(std::string_view bytes, Deadline deadline)
{
    if (transport_)
        return transport_->write(bytes, deadline);
    while (!bytes.empty()) {
        auto count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0)
            bytes.remove_prefix(static_cast<std::size_t>(count));
        else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_ready(fd_.get(), POLLOUT, deadline))
                throw Lost(Lost::Kind::timeout, "timeout while sending");
        } else if (errno != EINTR)
            lost_by_errno();
    }
}

bool Stream::wait_readable(std::chrono::milliseconds limit)
{
    if (!out_.empty())
        flush(write_limit_);
    if (has_buffered())
        return true;
    auto deadline = Clock::now() + limit;
    if (waiter_ == nullptr || transport_ || limit < silence)
        return wait_ready(fd_.get(), POLLIN, deadline);
    return fill_until(deadline).has_value();  // takes what comes with the same system call
}

namespace {

Result<void> finish_connect(int fd, std::chrono::milliseconds limit)
{
    if (!wait_ready(fd, POLLOUT, Clock::now() + limit)) {
        errno = ETIMEDOUT;
        return errno_error("connect");
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    if (error != 0)
        return errno_error("connect");
    return {};
}

}  // namespace

Result<Fd> connect_tcp(const Endpoint& to, std::chrono::milliseconds limit, const std::optional<Address>& source)
{
    Fd fd(::socket(to.address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return errno_error("socket");
    sockaddr_storage storage;
    if (source && source->family() == to.address.family()) {
        auto size = Endpoint{*source, 0}.to(storage);
        if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0)
            return errno_error(cat("bind ", source->text()));
    }
    auto size = to.to(storage);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
        if (errno != EINPROGRESS)
            return errno_error("connect");
        if (auto done = finish_connect(fd.get(), limit); !done)
            return done.error();
    }
    set_nonblocking(fd.get(), false);
    set_nodelay(fd.get());
    return fd;
}

namespace {

Result<socklen_t> unix_address(const std::string& path, sockaddr_un& address)
{
    address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return failure(cat("socket name too long: ", path));
    path.copy(address.sun_path, path.size());
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
}

}  // namespace

Result<Fd> connect_unix(const std::string& path, std::chrono::milliseconds limit)
{
    sockaddr_un address;
    auto size = unix_address(path, address);
    if (!size)
        return size.error();
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return errno_error("socket");
    // A full backlog blocks connect() for as long as SO_SNDTIMEO says (unix(7)).
    timeval time{limit.count() / 1000, limit.count() % 1000 * 1000};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    while (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), *size) != 0)
        if (errno != EINTR)
            return errno_error(cat("connect to ", path));
    return fd;
}

Result<Fd> listen_tcp(const Endpoint& at, int backlog)
{
    Fd fd(::socket(at.address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return errno_error("socket");
    int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at.address.is_v6())
        ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    sockaddr_storage storage;
    auto size = at.to(storage);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0)
        return errno_error(cat("bind ", at.text()));
    set_nodelay(fd.get());  // connections inherit both
    ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (::listen(fd.get(), backlog) != 0)
        return errno_error(cat("listen ", at.text()));
    return fd;
}

Result<Fd> listen_unix(const std::string& path, unsigned mode, int backlog)
{
    sockaddr_un address;
    auto size = unix_address(path, address);
    if (!size)
        return size.error();
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return errno_error("socket");
    ::unlink(path.c_str());
    auto old_mask = ::umask(static_cast<mode_t>(~mode & 0777));
    int bound = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), *size);
    ::umask(old_mask);
    if (bound != 0)
        return errno_error(cat("bind ", path));
    if (::listen(fd.get(), backlog) != 0)
        return errno_error(cat("listen ", path));
    return fd;
}

void set_nonblocking(int fd, bool on)
{
    int flags = ::fcntl(fd, F_GETFL);
    ::fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

void set_nodelay(int fd)
{
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::string host_name()
{
    char name[256] = "";
    ::gethostname(name, sizeof name - 1);
    return name[0] ? name : "localhost.localdomain";
}

}  // namespace mta::net
