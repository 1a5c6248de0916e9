#include "qmgr/destination.h"

#include <algorithm>

#include "log/log.h"

namespace mta::qmgr {

namespace {

// A transport's own parameter, declared (local_...) or not, or else the one for all transports.
std::string setting(const std::string& name, std::string_view for_all, const Params& params)
{
    const auto& config = params.config();
    auto value = config.is_declared(name) ? config.value(name) : config.value(name, for_all);
    if (!value)
        log::fatal(value.error().text);
    return *value;
}

long number(const std::string& name, std::string_view for_all, const Params& params)
{
    auto text = setting(name, for_all, params);
    auto value = parse_number<long>(text);
    if (!value || *value < 0)
        log::fatal("bad parameter value: ", name, " = ", text, ": not a number");
    return *value;
}

}  // namespace

TransportSettings TransportSettings::of(const std::string& transport, const Params& params)
{
    TransportSettings s;
    auto prefix = transport + "_destination_";
    s.concurrency_limit = number(prefix + "concurrency_limit", "$default_destination_concurrency_limit", params);
    s.recipient_limit = number(prefix + "recipient_limit", "$default_destination_recipient_limit", params);
    s.initial_concurrency = number(transport + "_initial_destination_concurrency", "$initial_destination_concurrency", params);
    s.failed_cohort_limit = number(prefix + "concurrency_failed_cohort_limit", "$default_destination_concurrency_failed_cohort_limit", params);
    auto delay = config::parse_time(setting(prefix + "rate_delay", "$default_destination_rate_delay", params));
    if (!delay)
        log::fatal("bad parameter value: ", prefix, "rate_delay: not a time");
    s.rate_delay = std::chrono::duration_cast<std::chrono::seconds>(*delay);
    s.initial_concurrency = std::max(s.initial_concurrency, 1L);  // a window of 0 would never open
    return s;
}

Destination::Destination(std::string key, std::string nexthop, const TransportSettings& settings)
    : key_(std::move(key)), nexthop_(std::move(nexthop)), settings_(settings), window_(static_cast<double>(settings.initial_concurrency))
{
}

void Destination::add(Entry entry)
{
    auto [place, is_new] = places_.try_emplace(entry.mail);
    if (is_new)
        place->second = mails_.insert(mails_.end(), {entry.mail, {}});
    place->second->second.push_back(std::move(entry));
}

bool Destination::is_ready(Clock::time_point now) const
{
    if (mails_.empty() || is_suspended(now) || now < not_before_)
        return false;
    if (settings_.rate_delay.count() > 0)
        return busy_ == 0;
    auto limit = settings_.concurrency_limit > 0 ? static_cast<double>(settings_.concurrency_limit) : 1e9;
    return static_cast<double>(busy_) < std::min(window_, limit);
}

std::optional<Clock::time_point> Destination::wakes_at(Clock::time_point now) const
{
    if (mails_.empty() || now >= not_before_)
        return std::nullopt;
    return not_before_;
}

Entry Destination::take(Clock::time_point now)
{
    auto& [mail, entries] = mails_.front();
    Entry entry = std::move(entries.front());
    entries.pop_front();
    if (entries.empty()) {
        places_.erase(mail);
        mails_.pop_front();
    } else {
        mails_.splice(mails_.end(), mails_, mails_.begin());
    }
    ++busy_;
    not_before_ = now + settings_.rate_delay;
    return entry;
}

// A success opens the window by 1, as long as it is used.
void Destination::reached()
{
    failures_ = 0;
    suspended_until_ = {};
    auto limit = settings_.concurrency_limit > 0 ? static_cast<double>(settings_.concurrency_limit) : 1e9;
    if (window_ < static_cast<double>(busy_ + settings_.initial_concurrency))
        window_ = std::min(window_ + 1, limit);
}

void Destination::not_reached(const std::string& status, const std::string& text, std::chrono::seconds pause)
{
    failures_ += 1 / window_;
    window_ = std::max(window_ - 1, 1.0);
    if (settings_.failed_cohort_limit == 0 || failures_ + 1e-9 < static_cast<double>(settings_.failed_cohort_limit))
        return;
    suspended_until_ = Clock::now() + pause;
    reason_status_ = status;
    reason_text_ = text;
    failures_ = 0;
    window_ = 1;  // one delivery tries it afterwards
}

void Destination::resume()
{
    suspended_until_ = {};
    failures_ = 0;
}

std::optional<Entry> Destination::take_last_alone()
{
    constexpr int max_looks = 20;
    auto at = mails_.end();
    for (int look = 0; look < max_looks && at != mails_.begin(); ++look) {
        auto& [mail, entries] = *--at;
        if (mail->entries != 1 || mail->open != entries.front().targets.size())
            continue;
        Entry entry = std::move(entries.front());
        places_.erase(mail);
        mails_.erase(at);
        return entry;
    }
    return std::nullopt;
}

std::list<Entry> Destination::take_all()
{
    std::list<Entry> all;
    for (auto& [mail, entries] : mails_)
        for (auto& entry : entries)
            all.push_back(std::move(entry));
    mails_.clear();
    places_.clear();
    return all;
}

}  // namespace mta::qmgr
