#include "t/bench/mailload/loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace mta::bench {

namespace {

sockaddr_in loopback(int port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void set(int fd, int level, int option)
{
    const int on = 1;
    ::setsockopt(fd, level, option, &on, sizeof on);
}

Fd tcp_socket()
{
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd)
        throw_errno("socket");
    return fd;
}

}  // namespace

Fd connect_to(int port)
{
    Fd fd = tcp_socket();
    set(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    const sockaddr_in address = loopback(port);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 && errno != EINPROGRESS)
        throw_errno("connect");
    return fd;
}

Fd listen_at(int port)
{
    Fd fd = tcp_socket();
    set(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    const sockaddr_in address = loopback(port);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 || ::listen(fd.get(), SOMAXCONN) < 0)
        throw_errno("listen");
    return fd;
}

Fd accept_from(int listener)
{
    Fd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd)
        set(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    return fd;
}

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC))
{
    if (!epoll_)
        throw_errno("epoll_create1");
}

void Loop::add(std::unique_ptr<Source> source)
{
    sources_.push_front(std::move(source));
    Source& added = *sources_.front();
    added.place_ = sources_.begin();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &added;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, added.fd(), &event) < 0)
        throw_errno("epoll_ctl");
}

void Loop::want_write(Source& source, bool wanted)
{
    epoll_event event{};
    event.events = EPOLLIN | (wanted ? EPOLLOUT : 0U);
    event.data.ptr = &source;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, source.fd(), &event);
}

void Loop::run_once(int timeout_ms)
{
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
    for (int i = 0; i < count; ++i) {
        auto* source = static_cast<Source*>(events[i].data.ptr);
        // A source occurs once in the array, so it can go at once.
        if (!source->ready(events[i].events))
            sources_.erase(source->place_);
    }
}

bool Connection::ready(std::uint32_t events)
{
    if ((events & EPOLLOUT) != 0 && !flush())
        return lost(), false;
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0)
        return true;
    std::array<char, 65536> buffer;
    const ssize_t count = ::read(fd(), buffer.data(), buffer.size());
    if (count < 0 && errno == EAGAIN)
        return true;
    if (count <= 0)
        return lost(), false;
    return received({buffer.data(), static_cast<std::size_t>(count)});
}

bool Connection::send(std::string_view text)
{
    unsent_ += text;
    return waits_for_room_ || flush();
}

bool Connection::flush()
{
    std::size_t sent = 0;
    while (sent < unsent_.size()) {
        const ssize_t count = ::send(fd(), unsent_.data() + sent, unsent_.size() - sent, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN)
            return false;
        if (count < 0)
            break;
        sent += static_cast<std::size_t>(count);
    }
    unsent_.erase(0, sent);
    if (waits_for_room_ != !unsent_.empty()) {
        waits_for_room_ = !unsent_.empty();
        loop_.want_write(*this, waits_for_room_);
    }
    return true;
}

}  // namespace mta::bench
