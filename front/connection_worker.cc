#include <utility>

#include "front/connection.h"
#include "front/server.h"
#include "log/log.h"
#include "service/counters.h"

// A Connection whose session goes to a worker, and comes back or ends there.
namespace mta::front {

using namespace std::chrono_literals;

namespace {

constexpr auto flush_limit = 60s;  // for a client that does not take what was said to it

}  // namespace

void Connection::hand_over()
{
    state_ = State::handing;
    paused_ = true;
    flushing_for_worker_ = true;
    set_due(Due::flush, flush_limit);
    if (!working_)  // else work() sends when it is done
        sent();
}

void Connection::begin_hand_over()
{
    flushing_for_worker_ = false;
    timer_.stop();
    due_ = Due::nothing;
    auto session = session_;
    session.pending = std::exchange(in_, std::string());
    held_.clear();
    if (!dialog_->is_limited_for_life() && is_counted_) {
        server_.limits().leave(address_);  // who has logged in is counted by the workers
        is_counted_ = false;
    }
    if (!wire_.tls())
        watch_.reset();
    handover_ = std::make_unique<Handover>(server_, *this, wire_, std::move(session));
    watch();
}

void Connection::returned(service::Session session, Fd fd)
{
    if (!dialog_->may_come_back()) {
        log::warning("a worker gave back a session of ", server_.settings().worker);
        return session_ended();
    }
    handover_.reset();
    if (fd)
        wire_.adopt(std::move(fd));
    if (!watch_)
        watch_ = std::make_unique<event::Watch>(server_.loop(), wire_.fd(), 0, [this](short what) { ready(what); });
    if (service::Counters(session.counters).done("data") > 0)
        server_.remember(address_);
    session_ = std::move(session);
    session_.state.clear();
    in_ = std::exchange(session_.pending, std::string());
    state_ = State::talking;
    paused_ = false;
    if (auto next = dialog_->successor())
        dialog_ = std::move(next);
    dialog_->came_back();
    if (is_stopping_ && !dialog_->takes_lines())
        return send_away();
    wait_for_command();
    work();
}

// The worker has said and logged all there was; for TLS the client still needs the goodbye.
void Connection::session_ended()
{
    handover_.reset();
    state_ = State::closing;
    if (wire_.fd() < 0)
        return finish();
    wire_.say_goodbye();
    set_due(Due::flush, flush_limit);
    sent();
}

void Connection::no_worker(std::string_view why)
{
    log::debug("no worker: ", why);
    handover_.reset();
    if (wire_.fd() < 0)
        return finish();
    if (!watch_)
        watch_ = std::make_unique<event::Watch>(server_.loop(), wire_.fd(), 0, [this](short what) { ready(what); });
    state_ = State::talking;
    dialog_->say_unavailable("server busy, try again later");
    close(End::refused);
}

}  // namespace mta::front
