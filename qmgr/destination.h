#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "qmgr/mail.h"
#include "qmgr/params.h"

namespace mta::qmgr {

using Clock = std::chrono::steady_clock;

// What main.cf says of a transport.
struct TransportSettings {
    long concurrency_limit = 20, recipient_limit = 50, initial_concurrency = 5, failed_cohort_limit = 1;
    std::chrono::seconds rate_delay{0};
    static TransportSettings of(const std::string& transport, const Params& params);
};

// One nexthop of a transport: the entries that wait for it, and how many deliveries it takes at a time.
class Destination {
public:
    Destination(std::string key, std::string nexthop, const TransportSettings& settings);

    const std::string& key() const { return key_; }
    const std::string& nexthop() const { return nexthop_; }
    void add(Entry entry);
    // True if a delivery may start now.
    bool is_ready(Clock::time_point now) const;
    // When the pause between deliveries ends, if it is that which prevents one.
    std::optional<Clock::time_point> wakes_at(Clock::time_point now) const;
    // The next entry, mails taking turns; counts as a running delivery until finished() is called.
    Entry take(Clock::time_point now);
    void finished() { --busy_; }

    // Feedback: the destination was reached, or not.
    void reached();
    void not_reached(const std::string& status, const std::string& text, std::chrono::seconds pause);
    bool is_suspended(Clock::time_point now) const { return now < suspended_until_; }
    const std::string& reason_status() const { return reason_status_; }
    const std::string& reason_text() const { return reason_text_; }
    void resume();

    std::list<Entry> take_all();
    // The last one whose mail has no other delivery in this attempt, waiting, running or over; nothing if none is found fast.
    std::optional<Entry> take_last_alone();
    bool is_idle() const { return busy_ == 0 && mails_.empty(); }
    bool has_waiting() const { return !mails_.empty(); }
    std::size_t waiting_mails() const { return mails_.size(); }
    long busy() const { return busy_; }
    double window() const { return window_; }

    bool is_listed = false;        // in its transport's round

private:
    std::string key_, nexthop_;
    const TransportSettings& settings_;
    // One queue per mail, so that a mail with thousands of recipients here does not hold up the next mail.
    using Mails = std::list<std::pair<ActiveMail*, std::deque<Entry>>>;
    Mails mails_;
    std::unordered_map<ActiveMail*, Mails::iterator> places_;
    double window_;
    double failures_ = 0;          // in parts of the window, since a success
    long busy_ = 0;
    Clock::time_point suspended_until_{}, not_before_{};
    std::string reason_status_, reason_text_;
};

}  // namespace mta::qmgr
