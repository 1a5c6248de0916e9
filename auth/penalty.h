#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/limit.h"

namespace mta::auth {

// How long a login has to wait because of failures before it: of its client (an IPv4 address, or a /64 of IPv6) and of
// its user. Where that user has logged in from there before, only failures since then count: neither others who try the
// user's name nor other users of the same webmail server can shut somebody out.
class Penalty {
public:
    using Clock = std::chrono::steady_clock;
    using Delay = std::chrono::milliseconds;

    // Failures of a client, behind which it is not asked for passwords any more.
    struct Limits {
        config::Limit per_minute, per_day;
    };
    explicit Penalty(Delay limit, Limits limits = {}) : limit_(limit), limits_(limits) {}

    // The parameter and the number, if the client may not try again yet. A user who has logged in from there may.
    struct Exceeded {
        std::string_view limit;
        std::uint64_t failures;
    };
    std::optional<Exceeded> exceeded(const std::string& address, const std::string& user, Clock::time_point now) const;

    // An attempt begins; in_hand says how many others of this client are not finished: after a failure they count, too.
    Delay delay(const std::string& address, const std::string& user, long in_hand, Clock::time_point now);
    void failed(const std::string& address, const std::string& user, Clock::time_point now);
    void succeeded(const std::string& address, const std::string& user, Clock::time_point now);

    // The client that an address counts for.
    static std::string client_of(const std::string& address);

private:
    struct Count {                                  // of the time that began with the first of them
        std::uint64_t number = 0;
        Clock::time_point since;
    };
    struct Record {
        long failures = 0;
        Clock::time_point last;
        Count minute, day;
    };
    using Records = std::map<std::string, Record>;  // ordered: remote hosts choose the keys
    static long failures(const Records& records, const std::string& key, Clock::time_point now);
    static void add(Records& records, const std::string& key, Clock::time_point now);
    static void shrink(Records& records, Clock::time_point now);
    Delay for_failures(long count) const;
    static void add(Count& count, Clock::duration time, Clock::time_point now);
    static bool is_full(const Count& count, const config::Limit& limit, Clock::duration time, Clock::time_point now);

    Delay limit_;
    Limits limits_;
    Records clients_, users_, known_;  // known_: "user NUL client" of successful logins
};

}  // namespace mta::auth
