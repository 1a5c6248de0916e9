#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <sys/types.h>

#include "event/event.h"
#include "ipc/channel.h"

// The attribute protocol in event loops.
namespace mta::ipc {

// One connection. The handlers may destroy the Peer; after on_closed nothing more is called.
class Peer {
public:
    using OnMessage = std::function<void(Message)>;
    using OnClosed = std::function<void()>;
    Peer(event::Loop& loop, Fd fd, OnMessage on_message, OnClosed on_closed);
    ~Peer();
    Peer(const Peer&) = delete;

    // Queues the message; what cannot go at once goes when the socket takes it. Takes the descriptor.
    void send(Message message);
    std::size_t unsent_bytes() const { return unsent_; }
    // Whether a send() has failed: on_closed follows. The last message's descriptor can be had back if it has not gone.
    bool has_failed() const { return has_failed_; }
    Fd take_back_fd() { return out_.empty() ? Fd() : std::move(out_.back().fd); }
    // Drops what is unsent and ends the connection; on_closed follows from the loop.
    void give_up();

private:
    void ready(short what);
    void read();
    void write();

    Channel channel_;
    OnMessage on_message_;
    OnClosed on_closed_;
    struct Pending {
        std::string bytes;
        Fd fd;
    };
    std::deque<Pending> out_;
    std::size_t unsent_ = 0;
    bool has_failed_ = false;
    bool* destroyed_ = nullptr;
    event::Watch watch_;
};

// Accepts connections of other daemons on a listening socket and keeps a Peer for each.
class Server {
public:
    // Called for each message; reply() may be called later, and does nothing when the peer is gone. An empty reply ends the
    // connection: what was asked is no question.
    using Reply = std::function<void(Message)>;
    using Handler = std::function<void(Message request, Reply reply)>;
    Server(event::Loop& loop, int listener, Handler handler);
    // The same for a service that everybody can reach: the handler is told who has connected.
    using UserHandler = std::function<void(uid_t user, Message request, Reply reply)>;
    Server(event::Loop& loop, int listener, UserHandler handler);
    ~Server();
    Server(const Server&) = delete;
    void stop_accepting();
    std::size_t connections() const { return peers_.size(); }

private:
    void accept();
    event::Loop& loop_;
    int listener_;
    UserHandler handler_;
    std::map<std::uint64_t, std::shared_ptr<Peer>> peers_;
    std::uint64_t next_ = 0;
    event::Timer again_;
    std::unique_ptr<event::Watch> watch_;
};

// Asks a service questions, many at a time on one connection; answers may come in any order. Connects when needed; a
// question that was lost with its connection is asked once more. Every question gets its answer, or an Error after the limit.
class Caller {
public:
    using Done = std::function<void(Result<Message>)>;
    Caller(event::Loop& loop, std::string path, std::chrono::milliseconds limit = std::chrono::seconds(60));
    ~Caller();
    Caller(const Caller&) = delete;
    void call(Message request, Done done);
    std::size_t waiting() const { return questions_.size(); }

private:
    using Clock = std::chrono::steady_clock;
    struct Question {
        Message request;
        Done done;
        Clock::time_point deadline;
        int tries = 0;
    };
    void connect();
    void send(Question& question);
    void answered(const Message& reply);
    void lost();
    void fail(std::uint64_t id, std::string_view why);
    void tick();

    event::Loop& loop_;
    std::string path_;
    std::chrono::milliseconds limit_;
    std::map<std::uint64_t, Question> questions_;  // in the order of asking, so of the deadlines
    std::uint64_t next_ = 1;
    std::unique_ptr<Peer> peer_;
    event::Timer timer_;
};

}  // namespace mta::ipc
