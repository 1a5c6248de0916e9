#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <thread>

#include "deliver/agent.h"
#include "deliver/watchdog.h"
#include "log/log.h"
#include "service/qmgr.h"

namespace mta::deliver {

using namespace std::chrono_literals;

namespace {

constexpr std::array<std::string_view, 3> action_names{"sent", "deferred", "bounced"};
constexpr int progress_parts = 10;      // progress counts, and qmgr hears of it, that often within the limit
constexpr std::size_t orphans_at_once = 20;  // statuses with long texts must fit a message
constexpr net::Seconds recorded_limit = 600s;  // for a qmgr that waits for a slow disk
constexpr int orphan_tries = 600, orphan_tries_at_stop = 20;  // a second apart

std::int64_t now()
{
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Outcome outcome_of(const Error& error)
{
    return {error.is_permanent() ? Action::bounced : Action::deferred, error.status, error.text, "", ""};
}

Outcome sent(std::string text, std::string status) { return {Action::sent, std::move(status), std::move(text), "", ""}; }

std::string format_delay(double seconds)
{
    seconds = std::max(seconds, 0.0);
    int decimals = seconds < 0.995 ? 2 : seconds < 9.95 ? 1 : 0;
    char text[32];
    std::string out(text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.*f", decimals, seconds)));
    if (out.find('.') != std::string::npos)
        out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.')
        out.pop_back();
    return out;
}

Job::Job(service::DeliveryRequest request, Fd message, ipc::Channel& qmgr, std::string qmgr_socket, std::chrono::seconds limit)
    : request_(std::move(request)), message_(std::move(message)), qmgr_(qmgr), qmgr_socket_(std::move(qmgr_socket)), limit_(limit),
      started_(now()), told_(started_), reported_(request_.recipients.size(), false)
{
    if (limit_.count() > 0)
        watchdog::restart(limit_);
}

Job::~Job()
{
    if (limit_.count() > 0)
        watchdog::stop();
}

void Job::progress()
{
    auto time = now();
    if (limit_.count() == 0 || time - told_ < std::chrono::microseconds(limit_).count() / progress_parts)
        return;
    told_ = time;
    watchdog::restart(limit_);
    try {
        if (!qmgr_lost_)
            qmgr_.send(ipc::pack(service::Progress{}));
    } catch (const net::Lost&) {
        qmgr_lost_ = true;
    }
}

void Job::connected() { connected_ = now(); }

std::string Job::delays() const
{
    auto end = now();
    auto transfer = connected_ ? connected_ : started_;
    auto seconds = [](std::int64_t from, std::int64_t to) { return format_delay(static_cast<double>(to - from) / 1e6); };
    return cat("delay=", seconds(request_.arrival, end), ", delays=", seconds(request_.arrival, request_.activated), "/",
               seconds(request_.activated, started_), "/", seconds(started_, transfer), "/", seconds(transfer, end));
}

void Job::report(std::size_t index, const Outcome& outcome, std::string_view relay, std::string_view extra)
{
    if (reported_[index])
        return;
    reported_[index] = true;
    progress();
    const auto& recipient = request_.recipients[index];
    auto action = action_names[static_cast<std::size_t>(outcome.action)];
    auto orig_to = recipient.orig_to.empty() ? std::string() : cat(", orig_to=<", recipient.orig_to, ">");
    log::info(request_.queue_id, ": to=<", recipient.address, ">", orig_to, ", relay=", relay, extra.empty() ? "" : ", ", extra,
              ", ", delays(), ", dsn=", outcome.status, ", status=", action, " (", outcome.text, ")");
    send({recipient.number, std::string(action), outcome.status, outcome.text, outcome.mta, outcome.reply,
          outcome.is_relayed});
}

void Job::report_rest(const Outcome& outcome, std::string_view relay)
{
    for (std::size_t index = 0; index < recipients(); ++index)
        report(index, outcome, relay);
}

void Job::site_failed(std::string status, std::string text)
{
    delivered_.site_status = std::move(status);
    delivered_.site_text = std::move(text);
}

// The answers are collected and go out with the last one; a lost qmgr shows at the end.
void Job::send(const service::RecipientStatus& status)
{
    unreported_.push_back(status);
    if (qmgr_lost_)
        return;
    try {
        qmgr_.queue(ipc::pack(status).encoded());
        bool is_last = std::find(reported_.begin(), reported_.end(), false) == reported_.end();
        if (!is_last)
            qmgr_.flush();
    } catch (const net::Lost&) {
        qmgr_lost_ = true;
    }
}

bool Job::finish(bool closing)
{
    delivered_.closing = closing;
    try {
        if (!qmgr_lost_)
            qmgr_.send(ipc::pack(delivered_));
        auto answer = qmgr_lost_ ? std::nullopt : qmgr_.receive(recorded_limit);
        if (answer && answer->find("recorded"))
            return true;
    } catch (const net::Lost&) {
    }
    qmgr_lost_ = true;
    Fd(qmgr_.release()).reset();  // a qmgr that is there must see that we do not answer any more
    log::warning(prefixed("qmgr is gone, or has given us up; reporting to the one that is there"));
    const auto* begin = unreported_.data();
    const auto* end = begin + unreported_.size();
    for (int i = 0; i < (daemon::is_stopping() ? orphan_tries_at_stop : orphan_tries); ++i) {
        progress();
        while (begin != end && report_to_next(begin, std::min(begin + orphans_at_once, end)))
            begin = std::min(begin + orphans_at_once, end);
        if (begin == end)
            return false;
        std::this_thread::sleep_for(1s);
    }
    log::warning(prefixed("results could not be reported; mail may be delivered twice"));
    return false;
}

// True if qmgr has taken note of them.
bool Job::report_to_next(const service::RecipientStatus* begin, const service::RecipientStatus* end) const
{
    ipc::Client client(qmgr_socket_);
    auto message = ipc::pack(service::OrphanReport{"orphan", request_.queue_id, {begin, end}});
    message.fd.reset(::fcntl(message_.get(), F_DUPFD_CLOEXEC, 0));
    auto answer = client.call(message, 30s);
    auto reply = answer ? ipc::unpack<service::QueueReply>(*answer) : Result<service::QueueReply>(answer.error());
    return reply && reply->ok;
}

}  // namespace mta::deliver
