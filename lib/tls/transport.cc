#include "tls/transport.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/fd.h"

namespace mta::tls {

using net::Lost;

namespace {

constexpr std::size_t read_bytes = 16384 + 512;  // a TLS record

}  // namespace

Transport::Transport(int fd, Context& context, const std::string& server_name, const std::vector<std::string>& valid_names)
    : fd_(fd), engine_(context, server_name, valid_names)
{
}

void Transport::lost()
{
    if (engine_.state() == Engine::State::failed)
        throw Lost(Lost::Kind::error, engine_.error());
    throw Lost(Lost::Kind::closed, "lost connection");
}

void Transport::send_pending(Deadline deadline)
{
    while (!engine_.pending().empty()) {
        auto bytes = engine_.pending();
        auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0)
            engine_.taken(static_cast<std::size_t>(count));
        else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!net::wait_ready(fd_, POLLOUT, deadline))
                throw Lost(Lost::Kind::timeout, "timeout while sending");
        } else if (errno != EINTR)
            throw Lost(Lost::Kind::error, errno_error("connection").text);
    }
}

bool Transport::receive(Deadline deadline)
{
    char bytes[read_bytes] __attribute__((uninitialized));
    while (true) {
        auto count = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
        if (count > 0) {
            engine_.feed({bytes, static_cast<std::size_t>(count)});
            return true;
        }
        // A peer that closes with session tickets unread resets the connection; for TLS both are the end of the stream.
        if (count == 0 || errno == ECONNRESET || errno == EPIPE) {
            engine_.feed_end();
            return false;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!net::wait_ready(fd_, POLLIN, deadline))
                throw Lost(Lost::Kind::timeout, "timeout");
        } else if (errno != EINTR)
            throw Lost(Lost::Kind::error, errno_error("connection").text);
    }
}

void Transport::handshake(Deadline deadline)
{
    while (true) {
        auto state = engine_.handshake();
        bool alive = state == Engine::State::handshake || state == Engine::State::open;
        try {
            send_pending(deadline);
        } catch (const Lost&) {
            if (alive)
                throw;
        }
        if (!alive)
            lost();
        if (state == Engine::State::open)
            return;
        receive(deadline);
    }
}

std::size_t Transport::read(char* into, std::size_t size, Deadline deadline)
{
    while (true) {
        if (auto count = engine_.read(into, size))
            return count;
        if (engine_.state() == Engine::State::ended)
            return 0;
        if (engine_.state() != Engine::State::open && engine_.state() != Engine::State::handshake)
            lost();
        send_pending(deadline);  // answers to KeyUpdate
        receive(deadline);
    }
}

void Transport::write(std::string_view bytes, Deadline deadline)
{
    if (!engine_.write(bytes))
        lost();
    send_pending(deadline);
}

void Transport::close()
{
    engine_.shut_down();
    auto bytes = engine_.pending();
    if (!bytes.empty())
        ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);  // whoever does not read it does not care
}

}  // namespace mta::tls
