#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "deliver/agent.h"
#include "log/log.h"
#include "qmgr/backoff.h"
#include "qmgr/clock.h"
#include "qmgr/manager.h"

namespace mta::qmgr {

namespace {

constexpr std::int64_t second = 1000000;
constexpr auto record_retry = std::chrono::seconds(10);

}  // namespace

// What happened is written at once, unless this was the mail's last open recipient and the file will be removed: it is not while
// the sender has to be told of any recipient.
void Manager::recipient_done(ActiveMail& mail, const service::RecipientStatus& status)
{
    auto number = static_cast<std::size_t>(status.number);
    auto outcome = outcome_of(status);
    mail.mail.outcomes[number] = outcome;
    --mail.open;
    if (!mail.goes_at_once())
        record(mail, outcome);
}

void Manager::fail_here(ActiveMail& mail, const Entry::Target& target, const Error& error)
{
    auto action = error.is_permanent() ? "bounced" : "deferred";
    const auto& recipient = mail.envelope().recipients[static_cast<std::size_t>(target.number)];
    auto orig_to = recipient.original.empty() ? std::string() : cat(", orig_to=<", recipient.original, ">");
    auto before = deliver::format_delay(static_cast<double>(mail.activated - mail.envelope().arrival) / second);
    auto here = deliver::format_delay(static_cast<double>(queue::now() - mail.activated) / second);
    log::info(mail.id, ": to=<", target.address, ">", orig_to, ", relay=none, delay=",
              deliver::format_delay(static_cast<double>(mail.age()) / second), ", delays=", before, "/", here, "/0/0, dsn=", error.status,
              ", status=", action, " (", error.text, ")");
    recipient_done(mail, {target.number, action, error.status, error.text, "", ""});
}

void Manager::entry_done(Entry entry, const std::string& status, const std::string& text)
{
    for (const auto& target : entry.targets)
        fail_here(*entry.mail, target, Error{text, status});
    --entry.mail->entries;
    sync_results(*entry.mail);  // the agent is told so
    settle_if_over(*entry.mail);
}

void Manager::settle_if_over(ActiveMail& mail)
{
    if (mail.open == 0 && mail.entries == 0)
        settle(mail);
}

// Is on the disk, if it is final, after the next sync_results(): the results of a delivery share one, and nothing else happens to
// the mail before.
void Manager::record(ActiveMail& mail, const queue::Outcome& outcome)
{
    bool is_written = append(mail, outcome, false);
    if (!outcome.is_final())
        return;
    if (!is_written)
        return mail.unrecorded.push_back(outcome);
    if (mail.unsynced.empty())
        unsynced_.push_back(mail.id);
    mail.unsynced.push_back(static_cast<std::size_t>(outcome.number));
    if (!sync_timer_.pending())
        sync_timer_.start(std::chrono::milliseconds(0));
}

void Manager::sync_results(ActiveMail& mail)
{
    auto recipients = std::exchange(mail.unsynced, {});
    if (recipients.empty() || !mail.append_fd)
        return;
    auto synced = queue::Directory::sync_appended(mail.append_fd.get());
    if (synced)
        return;
    log::warning(mail.id, ": ", synced.error().text);
    for (auto recipient : recipients)
        mail.unrecorded.push_back(*mail.mail.outcomes[recipient]);
}

// Those of deliveries that go on, at the latest when the loop has done everything else that came with them.
void Manager::sync_all_results()
{
    for (const auto& id : std::exchange(unsynced_, {}))
        if (auto found = active_.find(id); found != active_.end())
            sync_results(*found->second);
}

// False while results cannot be written (the disk is full): the next attempt would deliver again, and bounce could not read
// what to tell the sender.
bool Manager::record_rest(ActiveMail& mail)
{
    sync_results(mail);
    for (const auto& outcome : std::exchange(mail.unrecorded, {}))
        record(mail, outcome);
    sync_results(mail);
    return mail.unrecorded.empty();
}

void Manager::settle_unrecorded()
{
    for (const auto& id : std::exchange(unrecorded_, {}))
        settle(*active_.at(id));
}

template <class Record>
bool Manager::append(ActiveMail& mail, const Record& record, bool sync)
{
    if (!mail.append_fd) {  // postsuper may have put it on hold meanwhile
        auto place = queue_.find(mail.id);
        auto fd = queue_.open(place ? place->value_or(queue::State::active) : queue::State::active, mail.id);
        if (!fd) {
            log::warning(fd.error().text);
            return place && !*place;  // removed: there is nothing to write to
        }
        mail.append_fd = *std::move(fd);
        if (auto trimmed = queue::Directory::trim(mail.append_fd.get(), mail.mail); !trimmed)
            log::warning(mail.id, ": ", trimmed.error().text);
    }
    auto done = queue::Directory::append(mail.append_fd.get(), record, sync);
    if (!done)
        log::warning(mail.id, ": ", done.error().text);
    return bool(done);
}
template bool Manager::append(ActiveMail&, const queue::Note&, bool);

void Manager::settle(ActiveMail& mail)
{
    auto lifetime = mail.envelope().reverse_path.empty() ? params_.bounce_queue_lifetime() : params_.maximal_queue_lifetime();
    bool is_forced = mail.mail.has_note(queue::force_expired);
    if (is_forced || mail.waited() > lifetime.count() * second)
        expire(mail, is_forced ? "force-expired" : "expired");
    if (!mail.goes_at_once() && !record_rest(mail))
        return settle_later(mail);
    list_dsns(mail);
    send_dsns(mail);
}

void Manager::settle_later(const ActiveMail& mail)
{
    unrecorded_.push_back(mail.id);
    if (!record_timer_.pending())
        record_timer_.start(record_retry);
}

void Manager::expire(ActiveMail& mail, std::string_view how)
{
    bool any = false;
    for (auto& outcome : mail.mail.outcomes) {
        if (!outcome || outcome->is_final())
            continue;
        any = true;
        outcome->action = "expired";
        record(mail, *outcome);
    }
    if (any)
        log::info(mail.id, ": from=<", mail.envelope().reverse_path, ">, status=", how, ", returned to sender");
}

void Manager::finish(ActiveMail& mail)
{
    mail.goes_at_once() ? remove(mail) : defer(mail, next_attempt(mail));
}

void Manager::remove(ActiveMail& mail)
{
    if (mail.envelope().notice_of)
        note_before_removal(mail);
    auto removed = queue_.remove(mail.id, queue::State::active);
    auto place = removed ? Result<std::optional<queue::State>>(std::nullopt) : queue_.find(mail.id);
    if (place && *place)  // postsuper may have put it on hold
        removed = queue_.remove(mail.id, **place);
    if (!removed)
        log::warning(removed.error().text);
    if (!removed && (!place || *place))
        return keep_removable(mail);
    if (removed)
        log::info(mail.id, ": removed");
    release(mail);
}

// The file stays for now. It must not be delivered again at the next start: what became of it is written after all.
void Manager::keep_removable(ActiveMail& mail)
{
    if (!std::exchange(mail.is_removable, true))
        for (const auto& outcome : mail.mail.outcomes)
            record(mail, *outcome);
    sync_results(mail);
    settle_later(mail);
}

std::int64_t Manager::next_attempt(const ActiveMail& mail)
{
    auto chance = std::uniform_real_distribution<double>(0, 1)(random_);
    return steady_seconds() +
           backoff(mail.waited() / second, params_.minimal_backoff_time().count(), params_.maximal_backoff_time().count(), chance);
}

void Manager::defer(ActiveMail& mail, std::int64_t due)
{
    if (auto set = queue_.set_due(mail.id, queue::State::active, std::time(nullptr) + due - steady_seconds()); !set)
        log::warning(set.error().text);
    if (auto moved = queue_.move(mail.id, queue::State::active, queue::State::deferred); moved)
        due_.add(mail.id, queue::State::deferred, due);
    else if (auto place = queue_.find(mail.id); !place || *place == queue::State::active) {
        log::warning(moved.error().text);
        due_.add(mail.id, queue::State::active, due);
    }
    release(mail);
}

void Manager::release(ActiveMail& mail)
{
    active_recipients_ -= counted_recipients(mail);
    active_.erase(std::string(mail.id));
    if (stopped_)
        return stop_if_idle();
    if (!activate_timer_.pending())
        activate_timer_.start(std::chrono::milliseconds(0));
}

}  // namespace mta::qmgr
