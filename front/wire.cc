#include "front/wire.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mta::front {

namespace {

constexpr std::size_t read_bytes = 16384;

// For all connections: what is in it is used within a call only.
using Buffer = std::array<char, read_bytes>;
Buffer& scratch()
{
    static Buffer buffer;
    return buffer;
}

}  // namespace

Wire::Got Wire::fill(std::string& into, std::size_t limit)
{
    if (tls_)
        return fill_tls(into, limit);
    if (into.size() >= limit)
        return Got::nothing;
    auto& buffer = scratch();
    auto count = ::recv(fd_.get(), buffer.data(), std::min(buffer.size(), limit - into.size()), MSG_DONTWAIT);
    if (count > 0) {
        into.append(buffer.data(), static_cast<std::size_t>(count));
        return Got::some;
    }
    if (count == 0)
        return Got::end;
    return errno == EAGAIN || errno == EINTR ? Got::nothing : Got::lost;
}

Wire::Got Wire::fill_tls(std::string& into, std::size_t limit)
{
    if (auto got = decrypt(into, limit); got != Got::nothing || into.size() >= limit)
        return got;
    // No more than may be wanted: what the engine cannot pass on now it would have to keep.
    auto& buffer = scratch();
    auto count = ::recv(fd_.get(), buffer.data(), std::min(buffer.size(), limit - into.size()), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return Got::nothing;
    // Who closes with session tickets unread resets the connection: that is as good as an end.
    if (count <= 0)
        tls_->feed_end();
    else
        tls_->feed({buffer.data(), static_cast<std::size_t>(count)});
    return decrypt(into, limit);
}

Wire::Got Wire::decrypt(std::string& into, std::size_t limit)
{
    auto before = into.size();
    while (into.size() < limit) {
        auto size = into.size(), room = std::min(limit - size, read_bytes);
        auto& buffer = scratch();  // the engine has taken what was received into it
        auto count = tls_->read(buffer.data(), room);
        if (count == 0)
            break;
        into.append(buffer.data(), count);
    }
    take_ciphertext();
    if (into.size() > before)
        return Got::some;
    switch (tls_->state()) {
    case tls::Engine::State::handshake:
    case tls::Engine::State::open: return Got::nothing;
    case tls::Engine::State::ended: return Got::end;
    default: return Got::lost;
    }
}

void Wire::take_ciphertext()
{
    auto bytes = tls_->pending();
    out_ += bytes;
    tls_->taken(bytes.size());
}

void Wire::write(std::string_view plaintext)
{
    if (!tls_) {
        out_ += plaintext;
        return;
    }
    tls_->write(plaintext);
    take_ciphertext();
}

bool Wire::flush()
{
    while (begin_ < out_.size()) {
        auto count = ::send(fd_.get(), out_.data() + begin_, out_.size() - begin_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0)
            begin_ += static_cast<std::size_t>(count);
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return false;
    }
    // Gives the memory back, also when a client takes a little now and then.
    if (begin_ > 0)
        out_ = out_.substr(begin_);
    begin_ = 0;
    return true;
}

void Wire::say_goodbye()
{
    if (!tls_)
        return;
    tls_->shut_down();
    take_ciphertext();
}

bool Wire::has_input() const
{
    char byte;
    return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace mta::front
