#pragma once

#include <chrono>
#include <map>
#include <string>

namespace mta::auth {

// How long a login has to wait because of failures before it: of its client (an IPv4 address, or a /64 of IPv6) and of
// its user. Where that user has logged in from there before, only failures since then count: neither others who try the
// user's name nor other users of the same webmail server can shut somebody out.
class Penalty {
public:
    using Clock = std::chrono::steady_clock;
    using Delay = std::chrono::milliseconds;

    explicit Penalty(Delay limit) : limit_(limit) {}

    // An attempt begins; in_hand says how many others of this client are not finished: after a failure they count, too.
    Delay delay(const std::string& address, const std::string& user, long in_hand, Clock::time_point now);
    void failed(const std::string& address, const std::string& user, Clock::time_point now);
    void succeeded(const std::string& address, const std::string& user, Clock::time_point now);

    // The client that an address counts for.
    static std::string client_of(const std::string& address);

private:
    struct Record {
        long failures = 0;
        Clock::time_point last;
    };
    using Records = std::map<std::string, Record>;  // ordered: remote hosts choose the keys
    static long failures(const Records& records, const std::string& key, Clock::time_point now);
    static void add(Records& records, const std::string& key, Clock::time_point now);
    static void shrink(Records& records, Clock::time_point now);
    Delay for_failures(long count) const;

    Delay limit_;
    Records clients_, users_, known_;  // known_: "user NUL client" of successful logins
};

}  // namespace mta::auth
