#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "net/address.h"

// Blocking connections for workers. Every wait has a limit; whoever is gone is net::Lost.
namespace mta::net {

using namespace std::chrono_literals;
using Seconds = std::chrono::seconds;

// The conversation is over: end of file, a time limit, an error of the connection, or we ourselves shall stop.
struct Lost : std::runtime_error {
    enum class Kind { closed, timeout, error, too_long, stopped };
    Lost(Kind k, const std::string& text) : std::runtime_error(text), kind(k) {}
    Kind kind;
};

// Moves bytes below a Stream when these do not simply go through the descriptor (TLS). Both wait until the deadline
// and throw Lost; read() gives 0 at a proper end.
class Transport {
public:
    using Deadline = std::chrono::steady_clock::time_point;
    virtual ~Transport() = default;
    virtual std::size_t read(char* into, std::size_t size, Deadline deadline) = 0;
    virtual void write(std::string_view bytes, Deadline deadline) = 0;
    virtual void close() {}  // say goodbye (close_notify)
};

// One connection with buffers for both ways. write() only collects, until flush() or until one reads from the
// other side (so that a pipelining peer costs one packet).
class Stream {
public:
    explicit Stream(Fd fd);
    Stream(Stream&&) = default;
    Stream& operator=(Stream&&) = default;
    ~Stream();

    // One line without its end (CRLF, or a bare LF unless strict); max_bytes without the end. The time limit is for the
    // whole line. Throws Lost: closed, timeout, error, too_long (the line stays unread).
    std::string line(Seconds limit, std::size_t max_bytes = 65536);
    // As line(), but says nothing of the end: the raw bytes with their end, "a\r\n" or "a\n"; at most max_bytes:
    // a longer line comes in pieces without an end.
    std::string raw_line(Seconds limit, std::size_t max_bytes = 65536);
    // Exactly size bytes within the limit.
    std::string read_exactly(std::size_t size, Seconds limit);
    // What has come: at least one byte, at most max_bytes; empty at the end of the stream.
    std::string_view peek(Seconds limit);          // the buffered bytes, filled with one read if there are none
    void consume(std::size_t size);                // removes from what peek() showed
    bool has_buffered() const { return begin_ < in_.size(); }
    // Throws away what has come and was not read (RFC 3207 section 4.2).
    void discard_buffered();
    // Bytes to be read before those of the descriptor: what a former owner had read already.
    void unread(std::string_view bytes);
    std::string take_buffered();                   // what has come and was not read, for a next owner

    void write(std::string_view bytes);
    void flush(Seconds limit);
    void set_write_limit(Seconds limit) { write_limit_ = limit; }  // for flushes caused by reading or a full buffer
    bool has_unsent() const { return !out_.empty(); }

    // True if bytes (or an end) come within the time; false after it.
    bool wait_readable(std::chrono::milliseconds limit);
    // How to wait for a peer that has been silent for a second, instead of wait_ready(); gives back what it was. It may throw Lost.
    using Waiter = bool (*)(int fd, Transport::Deadline deadline);
    Waiter set_waiter(Waiter waiter) { return std::exchange(waiter_, waiter); }

    int fd() const { return fd_.get(); }
    Fd release_fd();                               // flushes nothing
    void set_transport(std::unique_ptr<Transport> transport) { transport_ = std::move(transport); }
    bool has_transport() const { return transport_ != nullptr; }

private:
    using Deadline = Transport::Deadline;
    bool fill(Deadline deadline);                  // false at the end of the stream
    std::optional<bool> fill_until(Deadline deadline);  // the same; nothing at the deadline, where fill() throws
    std::optional<std::size_t> receive(char* into, std::size_t size, Deadline deadline);
    bool wait(Deadline deadline);                  // after the silence of a second
    void send(std::string_view bytes, Deadline deadline);

    Fd fd_;
    std::unique_ptr<Transport> transport_;
    std::string in_, out_;
    std::size_t begin_ = 0;
    Seconds write_limit_{300};
    Waiter waiter_ = nullptr;
    std::chrono::milliseconds receive_timeout_{-1};  // what SO_RCVTIMEO is set to
};

// Waits until the descriptor is ready (POLLIN, POLLOUT) or the deadline; false at the deadline.
bool wait_ready(int fd, short events, Transport::Deadline deadline);

// Connects to host's endpoint within the limit, from source if it has an address. Sets close-on-exec and TCP_NODELAY.
Result<Fd> connect_tcp(const Endpoint& to, std::chrono::milliseconds limit, const std::optional<Address>& source = {});
// Connects to a Unix stream socket within the limit (waits while its backlog is full).
Result<Fd> connect_unix(const std::string& path, std::chrono::milliseconds limit = 30s);
Result<Fd> listen_tcp(const Endpoint& at, int backlog = 4096);
Result<Fd> listen_unix(const std::string& path, unsigned mode, int backlog = 4096);
void set_nonblocking(int fd, bool on);
void set_nodelay(int fd);

// A host's own name, never failing: gethostname(2), "localhost.localdomain" if that is empty.
std::string host_name();

}  // namespace mta::net
