#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "net/address.h"

namespace mta::front {

// Counts per client address (Postfix's anvil): connections at the same time, and events per time unit.
class Limits {
public:
    using Clock = std::chrono::steady_clock;
    struct Settings {
        long connections = 0, connection_rate = 0, auth_rate = 0, tls_rate = 0;  // 0: no limit
        std::chrono::seconds time_unit{60};
        int v4_bits = 32, v6_bits = 64;           // the part of an address that counts as one client
        std::vector<net::Network> exceptions;
    };
    enum class Event { connection, auth, tls };

    explicit Limits(Settings settings) : settings_(std::move(settings)) {}

    // One more connection; how many that makes. Everybody who was counted in is counted out.
    long enter(const net::Address& address);
    void leave(const net::Address& address);
    bool too_many(const net::Address& address, long connections) const;

    // Counts the event: the rate, if it is above its limit, else 0.
    long exceeded(const net::Address& address, Event event, Clock::time_point now);

    // Forgets who is not connected and did nothing in the last time unit.
    void clean_up(Clock::time_point now);
    std::size_t size() const { return clients_.size(); }

private:
    struct Client {
        long connections = 0;
        long counts[3] = {0, 0, 0};
        Clock::time_point since{};
    };
    net::Address key(const net::Address& address) const;
    bool is_exempt(const net::Address& address) const;
    long limit(Event event) const;

    Settings settings_;
    std::map<net::Address, Client> clients_;
};

}  // namespace mta::front
