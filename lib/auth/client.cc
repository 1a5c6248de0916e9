#include "auth/client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "log/log.h"
#include "net/stream.h"

namespace mta::auth {

using namespace std::chrono_literals;

namespace {

constexpr auto tick_interval = 1s;
constexpr std::size_t read_bytes = 16384;

Client::Reply unavailable() { return {Client::Reply::Kind::fail, "", "", "", true, "temp_fail", "Connection lost to authentication server"}; }

}  // namespace

Client::Client(event::Loop& loop, std::string path, std::chrono::milliseconds limit)
    : loop_(loop), path_(std::move(path)), limit_(limit), timer_(loop, [this] { tick(); })
{
    connect();
    timer_.start(tick_interval);
}

Client::~Client() = default;

void Client::connect()
{
    auto fd = net::connect_unix(path_, 1ms);
    if (!fd) {
        if (!is_warned_)
            log::warning("authentication service: ", fd.error().text);
        is_warned_ = true;
        return;
    }
    fd_ = *std::move(fd);
    net::set_nonblocking(fd_.get(), true);
    in_.clear();
    heard_.clear();
    is_ready_ = false;
    watch_ = std::make_unique<event::Watch>(loop_, fd_.get(), event::readable, [this](short what) { ready(what); });
    out_ = cat("VERSION\t1\t2\nCPID\t", ::getpid(), "\n");
    flush();
}

std::uint32_t Client::begin(Request request, Handler handler)
{
    while (++last_id_ == 0 || logins_.contains(last_id_)) {
    }
    auto& login = logins_[last_id_];
    login = {std::move(request), std::move(handler), Clock::now() + limit_};
    if (!fd_)
        connect();
    if (is_ready_)
        send_begin(last_id_, login);
    return last_id_;
}

void Client::send_begin(std::uint32_t id, Login& login)
{
    const auto& request = login.request;
    std::vector<std::string> fields{"AUTH", cat(id), request.mechanism, cat("service=", request.service), "nologin",
                                    cat("lip=", request.local_address), cat("rip=", request.remote_address)};
    if (request.secured)
        fields.emplace_back("secured");
    if (request.response)
        fields.push_back(cat("resp=", *request.response));
    login.sent = true;
    login.request.response.reset();
    send(wire_line(fields));
}

void Client::respond(std::uint32_t id, const std::string& base64)
{
    auto found = logins_.find(id);
    if (found == logins_.end())
        return;
    found->second.waiting = true;
    found->second.deadline = Clock::now() + limit_;
    send(wire_line({"CONT", cat(id), base64}));
}

void Client::cancel(std::uint32_t id)
{
    if (auto found = logins_.extract(id); found && found.mapped().sent)
        send(cat("CANCEL\t", id, "\n"));
}

void Client::ready(short what)
{
    if ((what & event::writable) && !flush())
        return lost("write error");
    if ((what & event::readable) && !read())
        lost("connection closed");
}

bool Client::read()
{
    char bytes[read_bytes];
    auto count = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count <= 0)
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    in_.append(bytes, static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (std::size_t end; (end = in_.find('\n', begin)) != std::string::npos; begin = end + 1)
        if (!take(WireLine::parse(std::string_view(in_).substr(begin, end - begin))))
            return false;
    in_.erase(0, begin);
    return in_.size() <= max_wire_line_bytes;
}

bool Client::take(const WireLine& line)
{
    if (line.command == "VERSION")
        return line.id == 1;
    if (line.command == "MECH" && !line.fields.empty()) {
        heard_.push_back(upper(line.fields.front()));
    } else if (line.command == "DONE") {
        if (heard_.empty()) {
            log::warning("authentication service ", path_, " offers no mechanism");
            return false;
        }
        mechanisms_ = heard_;
        is_ready_ = true;
        is_warned_ = false;
        for (auto& [id, login] : logins_)
            if (!login.sent)
                send_begin(id, login);
    } else if (line.command == "CONT") {
        if (auto found = logins_.find(line.id); found != logins_.end()) {
            found->second.waiting = false;
            auto handler = found->second.handler;
            handler({Reply::Kind::challenge, line.fields.empty() ? "" : line.fields.front(), "", "", false, "", ""});
        }
    } else if (line.command == "OK" || line.command == "FAIL") {
        auto text = [&](std::string_view name) { return std::string(line.find(name).value_or("")); };
        bool ok = line.command == "OK";
        finish(line.id, {ok ? Reply::Kind::ok : Reply::Kind::fail, "", text("user"), text("ticket"), line.has("temp"), text("code"), text("reason")});
    }
    return true;
}

void Client::finish(std::uint32_t id, const Reply& reply)
{
    if (auto found = logins_.extract(id))
        found.mapped().handler(reply);
}

void Client::send(std::string_view text)
{
    if (!is_ready_)
        return;
    out_ += text;
    flush();
}

// After an error the end is what is read next: nobody shall wait for the answer to what was not sent.
bool Client::flush()
{
    while (!out_.empty()) {
        auto count = ::send(fd_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0)
            out_.erase(0, static_cast<std::size_t>(count));
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR) {
            ::shutdown(fd_.get(), SHUT_RDWR);
            return false;
        }
    }
    watch_->change(static_cast<short>(event::readable | (out_.empty() ? 0 : event::writable)));
    return true;
}

// Logins that the service has not seen wait for the next connection.
void Client::lost(std::string_view why)
{
    if (!is_warned_)
        log::warning("authentication service ", path_, ": ", why);
    is_warned_ = true;
    watch_.reset();
    fd_.reset();
    is_ready_ = false;
    std::vector<std::uint32_t> gone;
    for (const auto& [id, login] : logins_)
        if (login.sent)
            gone.push_back(id);
    for (auto id : gone)
        finish(id, unavailable());
}

void Client::tick()
{
    if (!fd_)
        connect();
    std::vector<std::uint32_t> late;
    auto now = Clock::now();
    for (const auto& [id, login] : logins_)
        if (login.waiting && login.deadline < now)
            late.push_back(id);
    for (auto id : late) {
        if (logins_.at(id).sent)
            send(cat("CANCEL\t", id, "\n"));
        finish(id, unavailable());
    }
    timer_.start(tick_interval);
}

}  // namespace mta::auth
