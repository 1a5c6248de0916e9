#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "daemon/wait.h"
#include "imapd/session.h"
#include "imapd/watch.h"

namespace mta::imapd {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto look_interval = 30s;            // in case the kernel does not tell, as on network file systems
constexpr auto look_interval_without_news = 1s;

}  // namespace

// RFC 2177. Only DONE ends it.
void Session::idle(imap::Parser& arguments)
{
    if (are_arguments_bad(arguments))
        return;
    tell_changes(maildir::Expunge::apply);
    if (end_)
        return;
    client_.write("+ idling\r\n");
    go_on_idling();
}

void Session::go_on_idling()
{
    idle_until_client_speaks();
    if (end_)
        return;
    auto line = read_line(params_.command_timeout());
    keeps_numbers_ = client_.has_buffered();
    if (line && iequals(*line, "DONE"))
        return ok("IDLE completed");
    bad("DONE was expected");
}

void Session::idle_until_client_speaks()
{
    sync_folder();
    std::optional<Watch> watch;
    if (folder_)
        watch.emplace(folder_->watch_paths());
    int watch_fd = watch ? watch->fd() : -1;
    auto interval = !folder_ || watch_fd >= 0 ? std::chrono::seconds(look_interval) : std::chrono::seconds(look_interval_without_news);
    auto timeout = Clock::now() + params_.session.timeout();
    auto next_note = Clock::now() + params_.session.idle_notify_interval();
    auto park_at = Clock::now() + (std::exchange(is_woken_, false) ? std::chrono::milliseconds(0) : params_.worker_idle_time());
    while (!client_.has_buffered()) {
        // What came before the watch began, or since the last look.
        tell_changes(maildir::Expunge::apply);
        if (end_)
            return;
        if (Clock::now() >= timeout)
            return bye(End::timeout, "Logged out for inactivity");
        if (Clock::now() >= next_note) {
            untagged("OK Still here");
            next_note = Clock::now() + params_.session.idle_notify_interval();
        }
        if (client_.has_unsent())
            park_at = Clock::now() + params_.worker_idle_time();  // more may come soon
        client_.flush(params_.command_timeout());
        if (Clock::now() >= park_at)
            park_at = park_in_idle() == Attempt::hopeless ? timeout : Clock::now() + params_.worker_idle_time();
        if (end_)
            return;
        daemon::wait_for_client(client_.fd(), watch_fd, std::min({timeout, next_note, park_at, Clock::now() + interval}));
        if (client_.wait_readable(0ms))
            return;
        if (watch)
            watch->drain();
    }
}

}  // namespace mta::imapd
