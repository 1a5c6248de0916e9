#include "ipc/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

namespace mta::ipc {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t max_chunk_bytes = 1u << 20;
constexpr std::size_t max_descriptors = 16;  // in flight on one connection

}  // namespace

ssize_t send_with_fd(int socket, std::string_view bytes, int fd, int flags)
{
    iovec vector{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (fd >= 0) {
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        auto* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    return ::sendmsg(socket, &header, flags | MSG_NOSIGNAL);
}

namespace {

void send_all(int socket, std::string_view bytes, int fd, Clock::time_point deadline)
{
    while (!bytes.empty()) {
        auto count = send_with_fd(socket, bytes, fd, MSG_DONTWAIT);
        if (count >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
            fd = -1;
        } else if (errno == EAGAIN) {
            if (!net::wait_ready(socket, POLLOUT, deadline))
                throw net::Lost(net::Lost::Kind::timeout, "timeout while sending to another daemon");
        } else if (errno != EINTR) {
            throw net::Lost(net::Lost::Kind::error, errno_error("send to another daemon").text);
        }
    }
}

}  // namespace

void Channel::send(const Message& message, net::Seconds limit)
{
    auto bytes = message.body();
    if (message.fd)
        bytes.append("fd").append("\0" "1", 2).push_back('\0');
    bytes.push_back('\0');
    if (bytes.size() > max_message_bytes)
        throw net::Lost(net::Lost::Kind::too_long, "message for another daemon is too long");
    if (message.fd && !out_.empty())
        flush(limit);  // the descriptor travels with the first byte of its own message
    out_.append(bytes);
    auto all = std::move(out_);
    out_.clear();
    send_all(fd_.get(), all, message.fd.get(), Clock::now() + limit);
}

void Channel::flush(net::Seconds limit)
{
    auto all = std::move(out_);
    out_.clear();
    send_all(fd_.get(), all, -1, Clock::now() + limit);
}

void Channel::send_chunk(std::string_view bytes, net::Seconds limit)
{
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, max_message_bytes);
        bytes.remove_prefix(piece.size());
        auto size = static_cast<std::uint32_t>(piece.size());
        for (int shift = 24; shift >= 0; shift -= 8)
            out_.push_back(static_cast<char>(size >> shift & 0xff));
        out_.append(piece);
        if (out_.size() >= max_message_bytes)
            flush(limit);
    }
}

void Channel::consume(std::size_t size)
{
    progress_ = {};
    begin_ += size;
    if (begin_ >= in_.size()) {
        in_.clear();
        begin_ = 0;
    }
}

// SO_RCVTIMEO carries the time limit, so that waiting needs no poll. It is only changed when it is too long: one that
// is shorter than the limit only makes us wait again.
void Channel::set_receive_timeout(net::Transport::Deadline deadline)
{
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0)
        throw net::Lost(net::Lost::Kind::timeout, "timeout while waiting for another daemon");
    if (receive_timeout_.count() > 0 && receive_timeout_ <= left + left / 4)
        return;
    timeval time{left.count() / 1000, left.count() % 1000 * 1000};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    receive_timeout_ = left;
}

// One recvmsg; false at the end of the stream or, without waiting, when nothing is there.
bool Channel::read_more(bool wait, net::Transport::Deadline deadline)
{
    if (begin_ > 0) {
        in_.erase(0, begin_);
        begin_ = 0;
    }
    // The compiler would clear it for each message (-ftrivial-auto-var-init); nothing but what was received is used.
    char chunk[max_message_bytes] __attribute__((uninitialized));
    iovec vector{chunk, sizeof chunk};
    alignas(cmsghdr) char control[CMSG_SPACE(max_descriptors * sizeof(int))];
    msghdr header{};
    bool waits = wait && receive_timeout_.count() > 0;  // a first message is mostly there: no time limit need be set
    while (true) {
        if (waits)
            set_receive_timeout(deadline);
        header = {};
        header.msg_iov = &vector;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        auto count = ::recvmsg(fd_.get(), &header, MSG_CMSG_CLOEXEC | (waits ? 0 : MSG_DONTWAIT));
        if (count < 0 && (errno == EINTR || (wait && errno == EAGAIN))) {
            waits = wait;
            continue;
        }
        if (count < 0 && errno == EAGAIN)
            return false;
        if (count < 0)
            throw net::Lost(net::Lost::Kind::error, errno_error("receive from another daemon").text);
        for (auto* part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part))
            if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
                for (std::size_t i = 0; i < (part->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
                    int fd;
                    std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
                    fds_.emplace_back(fd);
                }
        if (fds_.size() > max_descriptors)
            throw net::Lost(net::Lost::Kind::error, "too many descriptors from another daemon");
        in_.append(chunk, static_cast<std::size_t>(count));
        return count > 0;
    }
}

Result<std::optional<Message>> Channel::take()
{
    Message message;
    auto size = Message::take(buffered(), message, progress_);
    if (!size)
        return size.error();
    if (*size == 0)
        return std::optional<Message>{};
    consume(*size);
    if (message.find("fd")) {
        if (fds_.empty())
            return failure("message of another daemon lacks its descriptor");
        message.fd = std::move(fds_.front());
        fds_.pop_front();
    }
    message.rewind();
    return std::optional<Message>(std::move(message));
}

std::optional<Message> Channel::receive(net::Seconds limit)
{
    if (!out_.empty())
        flush();
    auto deadline = Clock::now() + limit;
    while (true) {
        auto message = take();
        if (!message)
            throw net::Lost(net::Lost::Kind::error, message.error().text);
        if (*message)
            return std::move(**message);
        if (!read_more(true, deadline)) {
            if (buffered().empty())
                return std::nullopt;
            throw net::Lost(net::Lost::Kind::closed, "another daemon ended within a message");
        }
    }
}

std::string Channel::receive_chunk(net::Seconds limit)
{
    auto deadline = Clock::now() + limit;
    auto need = [&](std::size_t size) {
        while (buffered().size() < size)
            if (!read_more(true, deadline))
                throw net::Lost(net::Lost::Kind::closed, "another daemon ended within a message body");
    };
    need(4);
    std::uint32_t size = 0;
    for (char c : buffered().substr(0, 4))
        size = size << 8 | static_cast<unsigned char>(c);
    if (size > max_chunk_bytes)
        throw net::Lost(net::Lost::Kind::too_long, "another daemon sent a chunk that is too long");
    consume(4);
    need(size);
    std::string chunk(buffered().substr(0, size));
    consume(size);
    return chunk;
}

bool Channel::read_available()
{
    errno = 0;
    try {
        return read_more(false, {}) || errno == EAGAIN;
    } catch (const net::Lost&) {
        return false;
    }
}

Result<Message> Client::call(const Message& request, net::Seconds limit)
{
    while (true) {
        auto channel = std::move(kept_);
        const bool is_fresh = !channel;
        if (is_fresh) {
            auto fd = net::connect_unix(path_, limit);
            if (!fd)
                return fd.error();
            channel = std::make_unique<Channel>(*std::move(fd));
        }
        try {
            channel->send(request, limit);
            if (auto reply = channel->receive(limit)) {
                kept_ = std::move(channel);
                return *std::move(reply);
            }
            if (is_fresh)
                return failure(cat("no reply of service ", path_));
        } catch (const net::Lost& lost) {
            if (is_fresh || lost.kind == net::Lost::Kind::timeout)
                return failure(cat("service ", path_, ": ", lost.what()));
        }
    }
}

}  // namespace mta::ipc
