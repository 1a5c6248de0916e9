#include "ipc/peer.h"

#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "ipc/user.h"
#include "log/log.h"

namespace mta::ipc {

namespace {

constexpr std::size_t max_unread_bytes = 4u << 20;
constexpr uid_t nobody = static_cast<uid_t>(-1);

}  // namespace

Peer::Peer(event::Loop& loop, Fd fd, OnMessage on_message, OnClosed on_closed)
    : channel_(std::move(fd)), on_message_(std::move(on_message)), on_closed_(std::move(on_closed)),
      watch_(loop, channel_.fd(), event::readable, [this](short what) { ready(what); })
{
}

Peer::~Peer()
{
    if (destroyed_)
        *destroyed_ = true;
}

void Peer::ready(short what)
{
    if (what & event::writable)
        write();
    if (what & event::readable)
        read();
}

void Peer::read()
{
    bool destroyed = false;
    destroyed_ = &destroyed;
    bool open = channel_.read_available();
    while (true) {
        auto message = channel_.take();
        if (!message) {
            log::warning("closing a connection: ", message.error().text);
            open = false;
            break;
        }
        if (!*message)
            break;
        auto handler = on_message_;  // a copy: the handler may destroy this
        handler(std::move(**message));
        if (destroyed)
            return;
    }
    destroyed_ = nullptr;
    if (open)
        return;
    watch_.change(0);
    auto closed = on_closed_;
    closed();
}

void Peer::send(Message message)
{
    Pending pending{message.body(), std::move(message.fd)};
    if (pending.fd)
        pending.bytes.append("fd").append("\0" "1", 2).push_back('\0');
    pending.bytes.push_back('\0');
    unsent_ += pending.bytes.size();
    out_.push_back(std::move(pending));
    if (out_.size() == 1)
        write();
}

void Peer::give_up()
{
    ::shutdown(channel_.fd(), SHUT_RDWR);
    out_.clear();
    unsent_ = 0;
}

void Peer::write()
{
    while (!out_.empty()) {
        auto& first = out_.front();
        auto count = send_with_fd(channel_.fd(), first.bytes, first.fd.get(), MSG_DONTWAIT);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return watch_.change(event::readable | event::writable);
        if (count < 0) {  // the end shows up when reading; it is one now whatever the reason was
            has_failed_ = true;
            ::shutdown(channel_.fd(), SHUT_RDWR);
            break;
        }
        unsent_ -= static_cast<std::size_t>(count);
        first.fd.reset();
        if (static_cast<std::size_t>(count) == first.bytes.size())
            out_.pop_front();
        else
            first.bytes.erase(0, static_cast<std::size_t>(count));
    }
    watch_.change(event::readable);
}

Server::Server(event::Loop& loop, int listener, Handler handler)
    : Server(loop, listener, [handler = std::move(handler)](uid_t, Message request, Reply reply) { handler(std::move(request), std::move(reply)); })
{
}

Server::Server(event::Loop& loop, int listener, UserHandler handler)
    : loop_(loop), listener_(listener), handler_(std::move(handler)),
      again_(loop, [this] { watch_->change(event::readable); })
{
    net::set_nonblocking(listener, true);
    watch_ = std::make_unique<event::Watch>(loop, listener, event::readable, [this](short) { accept(); });
}

Server::~Server() = default;
void Server::stop_accepting()
{
    again_.stop();
    watch_->change(0);
}

void Server::accept()
{
    using namespace std::chrono_literals;
    Fd fd(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log::warning(errno_error("accept").text);
            watch_->change(0);  // do not spin: try again when something may have been closed
            again_.start(100ms);
        }
        return;
    }
    auto id = next_++;
    auto on_message = [this, id, user = user_of(fd.get()).value_or(nobody)](Message message) {
        auto found = peers_.find(id);
        std::weak_ptr<Peer> peer = found->second;
        std::string question(message.find("id").value_or(""));
        message.rewind();
        handler_(user, std::move(message), [peer, question](Message reply) {
            if (auto alive = peer.lock()) {
                if (reply.body().empty())
                    return alive->give_up();
                if (!question.empty())
                    reply.add("id", question);
                alive->send(std::move(reply));
                if (alive->unsent_bytes() > max_unread_bytes) {
                    log::warning("closing a connection whose other end does not read its answers");
                    alive->give_up();
                }
            }
        });
    };
    peers_[id] = std::make_shared<Peer>(loop_, std::move(fd), on_message, [this, id] { peers_.erase(id); });
}

Caller::Caller(event::Loop& loop, std::string path, std::chrono::milliseconds limit)
    : loop_(loop), path_(std::move(path)), limit_(limit), timer_(loop, [this] { tick(); })
{
}

Caller::~Caller() = default;

void Caller::call(Message request, Done done)
{
    auto id = next_++;
    request.add("id", cat(id));
    auto& question = questions_[id] = {std::move(request), std::move(done), Clock::now() + limit_};
    if (!timer_.pending())
        timer_.start(limit_);
    if (peer_)
        send(question);
    else
        connect();
}

void Caller::send(Question& question)
{
    ++question.tries;
    peer_->send(question.request.copy());
}

// Asks all that is unanswered on a new connection; when there is none to be had, tick() tries again.
void Caller::connect()
{
    auto fd = net::connect_unix(path_, std::chrono::milliseconds(100));
    if (!fd)
        return timer_.start(std::chrono::milliseconds(100));
    peer_ = std::make_unique<Peer>(
        loop_, *std::move(fd), [this](Message reply) { answered(reply); }, [this] { lost(); });
    for (auto& [id, question] : questions_)
        send(question);
}

void Caller::answered(const Message& reply)
{
    auto id = parse_number<std::uint64_t>(reply.find("id").value_or(""));
    auto found = id ? questions_.find(*id) : questions_.end();
    if (found == questions_.end())
        return log::warning("service ", path_, ": unexpected answer");
    auto done = std::move(found->second.done);
    questions_.erase(found);
    done(reply.copy());
}

void Caller::fail(std::uint64_t id, std::string_view why)
{
    auto done = std::move(questions_.at(id).done);
    questions_.erase(id);
    done(failure(cat("service ", path_, ": ", why)));
}

void Caller::lost()
{
    peer_.reset();
    std::vector<std::uint64_t> tried;
    for (const auto& [id, question] : questions_)
        if (question.tries >= 2)
            tried.push_back(id);
    for (auto id : tried)
        fail(id, "connection lost");
    if (!questions_.empty())
        timer_.start(std::chrono::milliseconds(10));
}

void Caller::tick()
{
    auto now = Clock::now();
    while (!questions_.empty() && questions_.begin()->second.deadline <= now)
        fail(questions_.begin()->first, "no answer in time");
    if (questions_.empty())
        return;
    if (!peer_)
        connect();
    if (peer_)
        timer_.start(std::chrono::ceil<std::chrono::milliseconds>(questions_.begin()->second.deadline - now));
}

}  // namespace mta::ipc
