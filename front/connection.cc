#include "front/connection.h"

#include <sys/socket.h>

#include <algorithm>

#include "base/text.h"
#include "front/server.h"
#include "log/log.h"
#include "net/limit_hits.h"

namespace mta::front {

using namespace std::chrono_literals;

namespace {

constexpr auto name_limit = 2s, linger_limit = 5s;
constexpr auto stopping_limit = 1s;  // for who is silent while the server stops

}  // namespace

Connection::Connection(Server& server, std::uint64_t id, Fd fd, const net::Endpoint& client, const net::Endpoint& local)
    : server_(server), id_(id), address_(client.address), wire_(std::move(fd)), budget_(0), held_(budget_),
      implicit_tls_(server.settings().tls.wrappermode), timer_(server.loop(), [this] { due(); })
{
    session_.client_name = session_.reverse_name = "unknown";
    session_.client_address = client.address.text();
    session_.client_port = client.port;
    session_.server_address = local.address.text();
    session_.server_port = local.port;
    dialog_ = make_dialog(server.settings().worker, server, *this, session_);
}

Connection::~Connection()
{
    if (is_counted_)
        server_.limits().leave(address_);
}

std::string Connection::peer() const
{
    auto text = cat(session_.client_name, "[", session_.client_address, "]");
    return server_.settings().smtp.session.client_port_logging ? cat(text, ":", session_.client_port) : text;
}

void Connection::start()
{
    watch_ = std::make_unique<event::Watch>(server_.loop(), wire_.fd(), 0, [this](short what) { ready(what); });
    if (!server_.settings().clients.peername_lookup)
        return greet();
    if (address_.is_loopback()) {
        session_.client_name = session_.reverse_name = "localhost";
        return greet();
    }
    server_.names().find(address_, [&server = server_, id = id_](const std::string& name, const std::string& reverse_name) {
        if (auto* connection = server.find(id))
            connection->name_known(name, reverse_name);
    });
    set_due(Due::name, name_limit);
}

// A name that comes late is still good for what follows.
void Connection::name_known(const std::string& name, const std::string& reverse_name)
{
    if (state_ == State::handing)
        return;
    session_.client_name = name;
    session_.reverse_name = reverse_name;
    if (state_ == State::naming)
        greet();
}

// First the TLS handshake where TLS is from the beginning, then the greeting.
void Connection::greet()
{
    if (!is_greeted_ && server_.settings().worker == "smtpd")
        log::info("connect from ", peer());
    is_greeted_ = true;
    if (implicit_tls_ && !server_.tls()) {
        log::warning("closing the connection from ", peer(), ": service ", server_.service(), " has no TLS");
        return close(End::refused);
    }
    if (implicit_tls_ && !wire_.tls())
        return start_tls();
    state_ = State::talking;
    wait_for_command();
    dialog_->greet();
    work();
}

void Connection::start_tls()
{
    in_ = std::string();  // RFC 3207 section 4.2: what came before is not protected
    wire_.start_tls(*server_.tls(), [this] { receive(); });
    state_ = State::handshake;
    set_due(Due::handshake, server_.settings().clients.starttls_timeout());
    sent();
}

void Connection::handshake_done()
{
    auto facts = wire_.tls()->facts();
    session_.tls_protocol = facts.protocol;
    session_.tls_cipher = facts.cipher;
    session_.tls_bits = facts.used_bits;
    session_.tls_algorithm_bits = facts.algorithm_bits;
    const auto& settings = server_.settings();
    if (settings.tls.loglevel > 0)
        log::info(name(wire_.tls()->trust()), " TLS connection ", facts.resumed ? "reused" : "established", " from ", peer(), ": ", facts.text());
    long rate = facts.resumed ? 0 : server_.limits().exceeded(address_, Limits::Event::tls, Limits::Clock::now());
    state_ = State::talking;
    if (rate > 0) {
        net::limit_hit(cat(settings.worker, "_client_new_tls_session_rate_limit"), address_, cat(rate),
                       cat("New TLS session rate limit exceeded: ", rate, " from ", peer(), " for service ", server_.service()));
        dialog_->say_unavailable(cat("too many new TLS sessions from ", session_.client_address));
        return close(End::refused);
    }
    if (implicit_tls_)
        return greet();
    dialog_->tls_started();
    wait_for_command();
}

void Connection::ready(short what)
{
    if (state_ == State::handing && handover_)
        return handover_->pump();
    if (what & event::writable) {
        sent();
        if (state_ == State::talking)
            work();  // goes on where the client had not taken our answers
    }
    if ((what & event::readable) && !is_finished_)
        receive();
}

// A little at a time: what cannot be obeyed now waits in the socket, and not with us.
Wire::Got Connection::fill() { return wire_.fill(in_, std::min(in_.size() + max_piece_bytes, max_input_bytes)); }

void Connection::receive()
{
    if (state_ == State::closing) {
        in_.clear();
        auto got = fill();
        if (got == Wire::Got::end || got == Wire::Got::lost)
            finish();
        return;
    }
    if ((state_ != State::handshake && state_ != State::talking) || is_finished_)
        return;
    auto got = fill();
    if (got == Wire::Got::end || got == Wire::Got::lost)
        at_end_ = true;
    if (state_ == State::handshake) {
        if (at_end_) {
            log::info("SSL_accept error from ", peer(), ": ", wire_.tls()->error().empty() ? "lost connection" : wire_.tls()->error());
            wire_.flush();  // an alert tells the client
            return close(End::lost);
        }
        if (wire_.tls()->is_open())
            handshake_done();
    }
    work();
}

// Obeys what is there, then waits for more.
void Connection::work()
{
    if (working_ || is_finished_)
        return;
    working_ = true;
    do {
        while (state_ == State::talking && !paused_ && can_answer() && (literal_bytes_ > 0 ? take_literal() : take_line())) {
        }
        if (state_ == State::talking && !paused_ && !at_end_ && can_answer() && wire_.has_buffered()) {
            auto got = fill();
            at_end_ = got == Wire::Got::end || got == Wire::Got::lost;
            if (got == Wire::Got::some)
                continue;
        }
        break;
    } while (true);
    working_ = false;
    if (in_.empty())
        in_ = std::string();  // gives the memory back
    if (state_ == State::talking && !paused_ && at_end_ && wire_.unsent() < max_unsent_bytes)
        return close(End::lost);
    if (keep_account())
        sent();
}

bool Connection::take_line()
{
    if (!dialog_->takes_lines()) {
        if (!in_.empty())
            dialog_->spoke();
        return false;
    }
    auto end = in_.find('\n');
    auto limit = dialog_->max_line_bytes(in_);
    bool is_long = end == std::string::npos ? in_.size() > limit : end > limit + 1;
    if (is_long && !skipping_)
        dialog_->refuse_long_line();
    if (end == std::string::npos) {
        skipping_ = skipping_ || is_long;
        if (skipping_)
            in_.clear();
        return false;
    }
    bool skip = skipping_ || is_long;
    skipping_ = false;
    auto line = in_.substr(0, end);
    in_.erase(0, end + 1);
    if (skip)
        return true;
    if (line.ends_with('\r'))
        line.pop_back();
    if (!paused_)
        wait_for_command();
    dialog_->take(std::move(line));
    return true;
}

bool Connection::take_literal()
{
    if (in_.size() < literal_bytes_)
        return false;
    auto literal = in_.substr(0, literal_bytes_);
    in_.erase(0, literal_bytes_);
    literal_bytes_ = 0;
    dialog_->take_literal(std::move(literal));
    return true;
}

void Connection::resume()
{
    if (!paused_ || is_finished_ || due_ == Due::delay || state_ != State::talking)
        return;
    paused_ = false;
    wait_for_command();
    work();
}

void Connection::resume_later(std::chrono::milliseconds delay)
{
    paused_ = true;
    set_due(Due::delay, delay);
}

bool Connection::has_input() { return !in_.empty() || (wire_.tls() ? wire_.has_buffered() : wire_.has_input()); }

// The limit is for the whole command: bytes that drip in do not move it.
void Connection::wait_for_command()
{
    auto limit = dialog_->patience();
    set_due(Due::command, is_stopping_ ? std::min<std::chrono::milliseconds>(limit, stopping_limit) : limit);
}

void Connection::set_due(Due due, std::chrono::milliseconds delay)
{
    due_ = due;
    timer_.start(delay);
}

void Connection::due()
{
    switch (std::exchange(due_, Due::nothing)) {
    case Due::name:
        return greet();
    case Due::handshake:
        log::info("SSL_accept error from ", peer(), ": Connection timed out");
        net::limit_hit(cat(server_.settings().worker, "_starttls_timeout"), address_, cat(server_.settings().clients.starttls_timeout().count(), "s"));
        return close(End::timeout);
    case Due::command:
        if (paused_)
            return;  // we let the client wait, not the other way round
        if (dialog_->waits_on()) {
            wait_for_command();
            return sent();
        }
        if (is_stopping_)
            return send_away();
        dialog_->timed_out();
        dialog_->say_timeout();
        return close(End::timeout);
    case Due::delay:
        return resume();
    case Due::flush:
        if (flushing_for_worker_)
            dialog_->log_end(End::timeout);
        return finish();
    case Due::linger:
        return finish();
    case Due::nothing:
        return;
    }
}

// Sends what there is to send, and does what had to wait for that.
void Connection::sent()
{
    if (is_finished_ || wire_.fd() < 0)
        return;
    if (!wire_.flush()) {
        wire_.drop_unsent();
        if (state_ == State::closing)
            return finish();
        at_end_ = true;
        if (state_ != State::handing)
            return close(End::lost);
        ::shutdown(wire_.fd(), SHUT_WR);  // the worker hears what the client has said; its answers would be taken for the lost one
    }
    if (flushing_for_worker_ && wire_.unsent() == 0)
        return begin_hand_over();
    if (state_ == State::closing && wire_.unsent() == 0 && due_ != Due::linger) {
        ::shutdown(wire_.fd(), SHUT_WR);
        set_due(Due::linger, linger_limit);
    }
    watch();
}

void Connection::watch()
{
    if (!watch_)
        return;
    bool read = false;
    if (state_ == State::handing)
        return watch_->change(handover_ ? handover_->wanted() : static_cast<short>(wire_.unsent() > 0 ? event::writable : 0));
    if (state_ == State::closing || state_ == State::handshake)
        read = !wire_.is_waiting();
    if (state_ == State::talking)
        read = !paused_ && in_.size() < max_input_bytes && wire_.unsent() < max_unsent_bytes;
    watch_->change(static_cast<short>((read ? event::readable : 0) | (wire_.unsent() > 0 ? event::writable : 0)));
}

void Connection::close(End end)
{
    if (state_ == State::closing || is_finished_)
        return;
    state_ = State::closing;
    dialog_->log_end(end);
    paused_ = true;
    if (at_end_)
        return finish();
    wire_.say_goodbye();
    set_due(Due::flush, linger_limit);
    sent();
}

void Connection::push_back_line(std::string_view line) { in_.insert(0, cat(line, "\r\n")); }

void Connection::stop()
{
    is_stopping_ = true;
    if (state_ == State::talking && !dialog_->takes_lines())
        return send_away();
    if (due_ == Due::command)
        wait_for_command();
    else if (due_ == Due::handshake || due_ == Due::flush)
        set_due(due_, stopping_limit);
}

void Connection::send_away()
{
    dialog_->say_unavailable("the server stops");
    close(End::stopped);
}

void Connection::woken()
{
    if (state_ == State::talking)
        dialog_->woken();
}

void Connection::finish()
{
    if (is_finished_)
        return;
    is_finished_ = true;
    timer_.stop();
    watch_.reset();
    server_.remove(id_);
}

}  // namespace mta::front
