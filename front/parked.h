#pragma once

#include "front/dialog.h"

namespace mta::front {

// An IMAP session after the login, while a worker has nothing to do for it: the client is silent, or in IDLE. What it says
// next, and what notify knows of its folder, is for a worker.
class Parked : public Dialog {
public:
    using Dialog::Dialog;
    ~Parked() override;

    void greet() override {}
    void take(std::string) override {}
    void refuse_long_line() override {}
    bool takes_lines() const override { return false; }
    void spoke() override;
    void woken() override;
    void came_back() override;
    bool may_come_back() const override { return true; }
    std::chrono::milliseconds patience() const override;
    bool waits_on() override;
    void say_timeout() override;
    void timed_out() override;
    void say_unavailable(std::string_view why) override;
    void log_end(End end) override;
    std::size_t max_line_bytes(std::string_view) const override { return 0; }
    std::string_view service() const override { return "imap"; }

private:
    using Clock = std::chrono::steady_clock;
    // The login was before.
    void say_challenge(const std::string&) override {}
    void logged_in(const auth::Client::Reply&) override {}
    void login_failed(const auth::Client::Reply&) override {}

    void leave();

    Clock::time_point silent_until_{};   // the client may not be silent any longer
    bool was_woken_ = false;             // it was notify that sent us away last, not the client
};

}  // namespace mta::front
