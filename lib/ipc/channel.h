#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "ipc/message.h"
#include "net/stream.h"

namespace mta::ipc {

// A Unix stream socket that carries messages and, between them, bodies: chunks of a 4-byte big-endian length
// and as many bytes, the length 0 at the end. Blocking, with time limits; throws net::Lost.
class Channel {
public:
    explicit Channel(Fd fd) : fd_(std::move(fd)) {}

    // Sends the message, with its descriptor if it has one (that stays open here until the message is destroyed).
    void send(const Message& message, net::Seconds limit = net::Seconds(60));
    // Adds bytes that are sent in front of the next thing sent, in the same system call.
    void queue(std::string_view bytes) { out_.append(bytes); }
    void flush(net::Seconds limit = net::Seconds(60));

    // The next message; nothing at a proper end between messages.
    std::optional<Message> receive(net::Seconds limit);

    // One chunk of a body (the bytes go through a buffer of 64 kB; large ones are sent at once).
    void send_chunk(std::string_view bytes, net::Seconds limit = net::Seconds(300));
    void end_body() { queue(std::string_view("\0\0\0\0", 4)); }  // sent with the next flush() or send()
    // The next chunk, empty at the end of the body; at most 1 MB.
    std::string receive_chunk(net::Seconds limit);

    // Reads what is there without waiting: false at the end of the stream. For event loops.
    bool read_available();
    // A complete message that has been read, if there is one; an Error ends the connection.
    Result<std::optional<Message>> take();

    int fd() const { return fd_.get(); }
    Fd release() { return std::move(fd_); }

private:
    void set_receive_timeout(net::Transport::Deadline deadline);
    bool read_more(bool wait, net::Transport::Deadline deadline);
    std::string_view buffered() const { return std::string_view(in_).substr(begin_); }
    void consume(std::size_t size);

    Fd fd_;
    std::string in_, out_;
    std::size_t begin_ = 0;
    Message::Progress progress_;  // in what is buffered
    std::chrono::milliseconds receive_timeout_{0};  // what SO_RCVTIMEO is set to; 0: not yet
    std::deque<Fd> fds_;  // descriptors that came, for the messages that name one
};

// Sends some bytes, with a descriptor on the first of them if fd >= 0: how many went, or -1 with errno.
ssize_t send_with_fd(int socket, std::string_view bytes, int fd, int flags);

// A blocking client of a service that answers one message for each. Keeps its connection while no question is open, so that
// an answer that nobody waited for is never taken for that of the next question. When a kept one turns out to be closed
// (the service was reloaded) the question is asked once more on a new one.
class Client {
public:
    explicit Client(std::string path) : path_(std::move(path)) {}
    Result<Message> call(const Message& request, net::Seconds limit = net::Seconds(60));
    template <class Reply, class Request>
    Result<Reply> ask(const Request& request, net::Seconds limit = net::Seconds(60))
    {
        auto reply = call(pack(request), limit);
        if (!reply)
            return reply.error();
        return unpack<Reply>(*reply);
    }
    void close() { kept_.reset(); }

private:
    std::string path_;
    std::unique_ptr<Channel> kept_;
};

}  // namespace mta::ipc
