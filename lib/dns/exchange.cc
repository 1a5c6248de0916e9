#include "dns/exchange.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/text.h"

namespace mta::dns {

namespace {

constexpr int max_mismatches = 10;
constexpr std::size_t length_bytes = 2;

Result<Fd> connected_socket(const net::Endpoint& server, int type)
{
    Fd fd(::socket(server.address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd)
        return errno_error("socket");
    sockaddr_storage storage;
    auto size = server.to(storage);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 && errno != EINPROGRESS)
        return errno_error(cat("connect to ", server.text()));
    return fd;
}

bool is_try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// Calls the handler last of all: it may destroy the object that owns it.
void report(Exchange::Done& done, Exchange::Outcome outcome)
{
    auto handler = std::move(done);
    handler(outcome);
}

class Udp : public Exchange {
public:
    Udp(event::Loop& loop, Fd fd, Query query, Done done)
        : fd_(std::move(fd)), query_(std::move(query)), done_(std::move(done)),
          watch_(loop, fd_.get(), event::readable, [this](short) { read(); })
    {
    }

private:
    void read()
    {
        static std::array<char, max_packet_bytes> buffer;
        auto count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (count < 0 && is_try_again())
            return;
        if (count < 0)  // an ICMP error: connection refused
            return report(done_, {Outcome::broken, std::strerror(errno)});
        std::string_view reply(buffer.data(), static_cast<std::size_t>(count));
        if (match(query_, reply, false) != Match::no)
            return report(done_, {Outcome::reply, std::string(reply)});
        if (++mismatches_ >= max_mismatches)
            report(done_, {Outcome::flood, ""});
    }

    Fd fd_;
    Query query_;
    Done done_;
    int mismatches_ = 0;
    event::Watch watch_;
};

class Tcp : public Exchange {
public:
    Tcp(event::Loop& loop, Fd fd, Query query, Done done)
        : fd_(std::move(fd)), query_(std::move(query)), done_(std::move(done)),
          watch_(loop, fd_.get(), event::writable, [this](short what) { what & event::writable ? write() : read(); })
    {
        auto size = query_.bytes.size();
        out_ = cat(static_cast<char>(size >> 8), static_cast<char>(size & 255), query_.bytes);
    }

private:
    void write()
    {
        auto count = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (count < 0 && is_try_again())
            return;
        if (count < 0)
            return report(done_, {Outcome::broken, std::strerror(errno)});
        out_.erase(0, static_cast<std::size_t>(count));
        if (out_.empty())
            watch_.change(event::readable);
    }

    void read()
    {
        char buffer[16384];
        auto count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
        if (count < 0 && is_try_again())
            return;
        if (count <= 0)
            return report(done_, {Outcome::broken, count == 0 ? "connection closed" : std::strerror(errno)});
        in_.append(buffer, static_cast<std::size_t>(count));
        if (in_.size() < length_bytes)
            return;
        auto size = static_cast<std::size_t>(static_cast<unsigned char>(in_[0]) << 8 | static_cast<unsigned char>(in_[1]));
        if (in_.size() < length_bytes + size)
            return;
        auto reply = in_.substr(length_bytes, size);
        if (match(query_, reply, true) == Match::no)
            return report(done_, {Outcome::broken, "reply to another question"});
        report(done_, {Outcome::reply, std::move(reply)});
    }

    Fd fd_;
    Query query_;
    Done done_;
    std::string out_, in_;
    event::Watch watch_;
};

}  // namespace

Result<std::unique_ptr<Exchange>> ask_by_udp(event::Loop& loop, const net::Endpoint& server, Query query, Exchange::Done done)
{
    auto fd = connected_socket(server, SOCK_DGRAM);
    if (!fd)
        return fd.error();
    if (::send(fd->get(), query.bytes.data(), query.bytes.size(), MSG_NOSIGNAL) < 0)
        return errno_error(cat("send to ", server.text()));
    return std::unique_ptr<Exchange>(std::make_unique<Udp>(loop, std::move(*fd), std::move(query), std::move(done)));
}

Result<std::unique_ptr<Exchange>> ask_by_tcp(event::Loop& loop, const net::Endpoint& server, Query query, Exchange::Done done)
{
    auto fd = connected_socket(server, SOCK_STREAM);
    if (!fd)
        return fd.error();
    return std::unique_ptr<Exchange>(std::make_unique<Tcp>(loop, std::move(*fd), std::move(query), std::move(done)));
}

}  // namespace mta::dns
