#include "auth/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "log/log.h"
#include "net/stream.h"

namespace mta::auth {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_attempts = 10000, max_unsent_bytes = 1u << 20, read_bytes = 16384;
constexpr std::size_t cookie_bytes = 16;

const MechanismInfo* find_mechanism(std::string_view name)
{
    for (const auto& info : mechanisms())
        if (iequals(info.name, name))
            return &info;
    return nullptr;
}

}  // namespace

Connection::Connection(Shared& shared, Fd fd, std::string greeting, std::function<void()> on_closed)
    : shared_(shared), fd_(std::move(fd)), on_closed_(std::move(on_closed)), sweep_(shared.loop, [this] { finished_.clear(); }),
      watch_(shared.loop, fd_.get(), event::readable, [this](short what) { ready(what); })
{
    send(greeting);
}

Connection::~Connection() = default;

void Connection::ready(short what)
{
    bool alive = !(what & event::writable) || flush();
    if (alive && (what & event::readable))
        alive = read();
    if (!alive)
        close();
}

void Connection::close()
{
    auto closed = on_closed_;
    closed();  // destroys this
}

bool Connection::read()
{
    char bytes[read_bytes];
    auto count = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    if (count == 0)
        return false;
    in_.append(bytes, static_cast<std::size_t>(count));
    return take_lines();
}

bool Connection::take_lines()
{
    std::size_t begin = 0;
    for (std::size_t end; (end = in_.find('\n', begin)) != std::string::npos; begin = end + 1)
        if (end - begin > max_wire_line_bytes || !obey(WireLine::parse(std::string_view(in_).substr(begin, end - begin))))
            return false;
    in_.erase(0, begin);
    if (in_.size() > max_wire_line_bytes) {
        log::warning("closing a connection: line too long");
        return false;
    }
    return flush();
}

// False ends the connection: the client does not speak our protocol.
bool Connection::obey(const WireLine& line)
{
    if (line.command == "VERSION") {
        has_version_ = line.id == 1;
        if (!has_version_)
            log::warning("closing a connection: authentication protocol version ", line.id, " is not 1");
        return has_version_;
    }
    if (!has_version_) {
        log::warning("closing a connection: it does not begin with VERSION");
        return false;
    }
    if (line.command == "AUTH")
        return begin(line);
    if (line.command == "REDEEM") {
        redeem(line);
    } else if (line.command == "CONT" || line.command == "CANCEL") {
        auto found = attempts_.find(line.id);
        if (found == attempts_.end())
            return true;  // its FAIL is on the way
        if (line.command == "CANCEL")
            attempts_.erase(found);
        else
            found->second->go_on(line);
    }
    return true;  // CPID and what later versions add
}

bool Connection::begin(const WireLine& line)
{
    if (attempts_.contains(line.id)) {
        log::warning("closing a connection: authentication request ", line.id, " is there twice");
        return false;
    }
    if (attempts_.size() >= max_attempts) {
        send(cat("FAIL\t", line.id, "\ttemp\tcode=temp_fail\n"));
        return true;
    }
    auto id = line.id;
    auto attempt = std::make_unique<Attempt>(shared_, line, [this, id](std::string text, bool is_last) {
        send(text);
        if (!is_last)
            return;
        if (auto found = attempts_.extract(id)) {
            finished_.push_back(std::move(found.mapped()));
            sweep_.start(0ms);
        }
    });
    auto& running = *attempt;
    attempts_[id] = std::move(attempt);
    running.begin(line);
    return true;
}

void Connection::redeem(const WireLine& line)
{
    std::string ticket = line.fields.empty() ? "" : line.fields.front();
    auto grant = shared_.tickets.redeem(ticket, std::string(line.find("service").value_or("")), Tickets::Clock::now());
    if (!grant)
        return send(cat("FAIL\t", line.id, "\n"));
    send(wire_line({"OK", cat(line.id), cat("user=", grant->user), cat("uid=", grant->uid), cat("gid=", grant->gid),
                    cat("home=", grant->home), cat("mail=", grant->mail)}));
}

void Connection::send(std::string_view text)
{
    out_ += text;
    flush();  // an error shows up again when reading
}

bool Connection::flush()
{
    while (!out_.empty()) {
        auto count = ::send(fd_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0)
            out_.erase(0, static_cast<std::size_t>(count));
        else if (errno != EINTR)
            break;
    }
    watch_.change(static_cast<short>(event::readable | (out_.empty() ? 0 : event::writable)));
    return out_.empty() || (errno == EAGAIN && out_.size() < max_unsent_bytes);
}

Server::Server(event::Loop& loop, const Params& params, const std::vector<Fd>& listeners, Workers& workers)
    : penalty_(params.penalty_limit, {params.failure_minute_limit, params.failure_day_limit}), shared_{loop, workers, penalty_, tickets_, params.failure_delay, {}},
      drain_(loop, [this] {
          for (const auto& [id, connection] : connections_)
              if (!connection->is_idle())
                  return drain_.start(100ms);
          when_idle_();
      }),
      accept_again_(loop, [this] {
          for (auto& watch : watches_)
              watch->change(event::readable);
      })
{
    for (const auto& name : params.mechanisms()) {
        auto info = find_mechanism(name);
        if (!info)
            log::fatal("auth_mechanisms: there is no mechanism \"", name, "\"; there are plain, login and scram-sha-256");
        mechanisms_.emplace_back(cat("MECH\t", info->name, "\t", info->plaintext ? "plaintext" : "mutual-auth"));
    }
    for (const auto& listener : listeners) {
        net::set_nonblocking(listener.get(), true);
        watches_.push_back(std::make_unique<event::Watch>(loop, listener.get(), event::readable, [this, fd = listener.get()](short) { accept(fd); }));
    }
}

Server::~Server() = default;

// A client that has only connected is told everything: Exim waits for it before it says anything.
std::string Server::greeting()
{
    auto text = std::string("VERSION\t1\t2\n");
    for (const auto& line : mechanisms_)
        text += line + '\n';
    return text + cat("SPID\t", ::getpid(), "\nCUID\t", next_, "\nCOOKIE\t", hex_encode(random_bytes(cookie_bytes)), "\nDONE\n");
}

void Server::accept(int listener)
{
    Fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log::warning(errno_error("accept").text);
            for (auto& watch : watches_)
                watch->change(0);
            accept_again_.start(100ms);
        }
        return;
    }
    auto text = greeting();
    auto id = next_++;
    connections_[id] = std::make_unique<Connection>(shared_, std::move(fd), text, [this, id] { connections_.erase(id); });
}

void Server::close_all_in_child()
{
    for (const auto& [id, connection] : connections_)
        ::close(connection->fd());
}

void Server::stop(std::function<void()> done)
{
    watches_.clear();
    accept_again_.stop();
    when_idle_ = std::move(done);
    drain_.start(0ms);
}

}  // namespace mta::auth
