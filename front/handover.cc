#include "front/handover.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "front/connection.h"
#include "front/server.h"
#include "front/wire.h"
#include "log/log.h"
#include "service/auth.h"

namespace mta::front {

using namespace std::chrono_literals;

namespace {

constexpr auto worker_limit = 20s;               // for a worker's parent that is being restarted, or very busy
constexpr auto max_retry_delay = 200ms;
constexpr std::size_t max_buffered_bytes = 65536, chunk_bytes = 16384;
constexpr int chunks_at_once = 16;               // then other clients have their turn

}  // namespace

Handover::Handover(Server& server, Connection& connection, Wire& wire, service::Session session)
    : server_(server), connection_(connection), wire_(wire), session_(std::move(session)),
      deadline_(std::chrono::steady_clock::now() + worker_limit), again_(server.loop(), [this] { worker_ ? pump() : try_connect(); })
{
    if (wire_.tls())
        to_worker_ = std::exchange(session_.pending, std::string());  // goes the way of all that follows it
    again_.start(0ms);
}

Handover::~Handover() = default;

// A Unix socket connects at once or not at all: EAGAIN says that the backlog is full.
void Handover::try_connect()
{
    const auto& path = server_.worker_socket();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd && ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
        return send_session(std::move(fd));
    try_again(errno_error(cat("connect to ", path)).text);
}

void Handover::try_again(const std::string& why)
{
    if (std::chrono::steady_clock::now() >= deadline_) {
        log::warning("no worker for the session: ", why);
        return connection_.no_worker(why);
    }
    again_.start(retry_delay_);
    retry_delay_ = std::min<std::chrono::milliseconds>(retry_delay_ * 2, max_retry_delay);
}

Fd Handover::make_pair()
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return Fd();
    ours_.reset(ends[0]);
    theirs_.reset(ends[1]);
    return Fd(::fcntl(theirs_.get(), F_DUPFD_CLOEXEC, 0));
}

void Handover::send_session(Fd fd)
{
    Fd client = wire_.tls() ? make_pair() : wire_.release();
    if (!client) {
        log::warning(errno_error("socketpair").text);
        return connection_.no_worker("no descriptors");
    }
    worker_ = std::make_unique<ipc::Peer>(server_.loop(), std::move(fd), [this](ipc::Message message) { answered(std::move(message)); },
                                          [this] { ended(); });
    if (!session_.ticket.empty())
        worker_->send(ipc::pack(service::Ticket{session_.ticket}));
    auto message = ipc::pack(session_);
    message.fd = std::move(client);
    worker_->send(std::move(message));
    if (worker_->has_failed())
        return take_back();
    session_ = {};
    if (has_relay())
        watch_ = std::make_unique<event::Watch>(server_.loop(), ours_.get(), event::readable, [this](short) { pump(); });
    connection_.watch();
    if (has_relay())
        pump();
}

// The worker has ended before it could be told of the session: another one gets it.
void Handover::take_back()
{
    if (!wire_.tls())
        wire_.adopt(worker_->take_back_fd());
    worker_.reset();
    ours_.reset();
    theirs_.reset();
    if (wire_.fd() < 0)
        return connection_.session_ended();
    try_again("the worker does not take it");
}

short Handover::wanted() const
{
    if (!has_relay())
        return 0;
    bool read = to_worker_.empty() && !client_ended_ && !worker_ended_;
    return static_cast<short>((read ? event::readable : 0) | (wire_.unsent() > 0 ? event::writable : 0));
}

void Handover::pump()
{
    to_client();
    if (!worker_ended_)
        from_client();
    if (!wire_.flush()) {
        client_ended_ = true;
        ::shutdown(ours_.get(), SHUT_RDWR);  // the worker sees the end; its own end ends the session
        wire_.drop_unsent();
        if (worker_ended_)
            return connection_.session_ended();
    }
    if (worker_ended_)
        return finish_if_drained();
    bool read = wire_.unsent() < max_buffered_bytes && !client_ended_;
    watch_->change(static_cast<short>((read ? event::readable : 0) | (to_worker_.empty() ? 0 : event::writable)));
    connection_.watch();
}

void Handover::to_client()
{
    for (int i = 0; i < chunks_at_once && wire_.unsent() < max_buffered_bytes; ++i)
        if (!take_from_worker() || !wire_.flush())
            return;
}

bool Handover::take_from_worker()
{
    char bytes[chunk_bytes] __attribute__((uninitialized));
    auto count = ::recv(ours_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0)
        wire_.write({bytes, static_cast<std::size_t>(count)});
    return count > 0;
}

// Whatever the client said until now is in the socketpair before its end is.
void Handover::from_client()
{
    for (int i = 0; send_to_worker() && !client_ended_; ++i) {
        if (i == chunks_at_once)
            return again_.start(0ms);  // what is decrypted already wakes nobody
        auto got = wire_.fill(to_worker_, chunk_bytes);
        if (got == Wire::Got::nothing)
            return;
        if (got == Wire::Got::some)
            continue;
        client_ended_ = true;
        ::shutdown(ours_.get(), SHUT_WR);
    }
}

// True if nothing is left to be sent.
bool Handover::send_to_worker()
{
    while (!to_worker_.empty()) {
        auto count = ::send(ours_.get(), to_worker_.data(), to_worker_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return false;
        if (count < 0)
            to_worker_.clear();  // the worker does not listen any more
        else
            to_worker_.erase(0, static_cast<std::size_t>(count));
    }
    to_worker_ = std::string();
    return true;
}

void Handover::answered(ipc::Message message)
{
    if (ipc::unpack<service::Merit>(message))
        return server_.remember(connection_.address());
    auto session = ipc::unpack<service::Session>(message);
    if (!session || session->state != "idle" || (!has_relay() && !message.fd)) {
        log::warning("a worker gave a session back in a wrong way");
        return connection_.session_ended();
    }
    if (has_relay()) {
        while (take_from_worker()) {
        }
        take_back_unread(session->pending);
    }
    connection_.returned(*std::move(session), std::move(message.fd));
}

// What we have sent to the worker and it has not read.
void Handover::take_back_unread(std::string& into)
{
    char bytes[chunk_bytes] __attribute__((uninitialized));
    for (ssize_t count; (count = ::recv(theirs_.get(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
        into.append(bytes, static_cast<std::size_t>(count));
    into += to_worker_;
}

void Handover::ended()
{
    if (!has_relay())
        return connection_.session_ended();
    worker_ended_ = true;
    pump();
}

// All that the worker has written is in the socketpair; it goes to the client before the end does.
void Handover::finish_if_drained()
{
    char byte;
    if (::recv(ours_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        return connection_.session_ended();
    watch_->change(0);  // goes on when the client takes something
    connection_.watch();
}

}  // namespace mta::front
