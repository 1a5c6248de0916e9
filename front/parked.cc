#include "front/parked.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "front/connection.h"
#include "front/server.h"
#include "log/log.h"
#include "net/hit_counts.h"

namespace mta::front {

namespace {

constexpr auto timer_slack = std::chrono::milliseconds(100);  // by so much a timer of the loop may be early

// The words of imapd(8) about the end of a session.
std::string_view reason(End end)
{
    switch (end) {
    case End::timeout: return "Disconnected for inactivity";
    case End::stopped: return "Server stopped";
    case End::refused: return "No worker process";
    default: return "Connection closed";
    }
}

}  // namespace

Parked::~Parked()
{
    if (session_.wake)
        server_.news().forget(*session_.wake);
}

void Parked::came_back()
{
    if (session_.wake)
        server_.news().watch(*session_.wake, connection_.id());
    if (!std::exchange(was_woken_, false))
        silent_until_ = Clock::now() + server_.settings().imap.timeout();
}

void Parked::leave()
{
    if (auto key = std::exchange(session_.wake, std::nullopt))
        server_.news().forget(*key);
    connection_.hand_over();
}

void Parked::spoke() { leave(); }

void Parked::woken()
{
    was_woken_ = true;
    session_.state = "woken";
    leave();
}

std::chrono::milliseconds Parked::patience() const
{
    auto left = std::max(std::chrono::ceil<std::chrono::milliseconds>(silent_until_ - Clock::now()), std::chrono::milliseconds(0));
    return session_.idle_tag ? std::min<std::chrono::milliseconds>(left, server_.settings().imap.idle_notify_interval()) : left;
}

bool Parked::waits_on()
{
    if (Clock::now() + timer_slack >= silent_until_)
        return false;
    if (session_.idle_tag)
        connection_.reply("* OK Still here\r\n");
    return true;
}

// No line for the log: clients fall silent every day, and log_end() says so.
void Parked::timed_out() { net::count_hit("imapd_timeout"); }

void Parked::say_timeout() { connection_.reply("* BYE Logged out for inactivity\r\n"); }
void Parked::say_unavailable(std::string_view why) { connection_.reply(cat("* BYE [UNAVAILABLE] ", why, "\r\n")); }

void Parked::log_end(End end)
{
    log::info("logout: user=<", session_.sasl_username, ">, rip=", session_.client_address, ", ", reason(end));
}

}  // namespace mta::front
