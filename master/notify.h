#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace mta::master {

// Tells the service manager how we are: the datagrams of sd_notify(3), without its library. Says nothing when nobody asked.
class Notifier {
public:
    // address: what NOTIFY_SOCKET holds; '@' stands for the abstract name space. Empty: nobody listens.
    explicit Notifier(const std::string& address);

    void ready(std::string_view status) const;
    void reloading() const;
    void stopping() const;
    void status(std::string_view text) const;
    void watchdog() const;

private:
    void send(std::string_view message) const;

    Fd fd_;
};

// How often the service manager wants to hear from us (WATCHDOG_USEC, meant for this process); zero: never.
std::chrono::milliseconds watchdog_interval(const char* usec, const char* pid);

}  // namespace mta::master
