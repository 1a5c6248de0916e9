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
        long network_connections = 0;
        long connection_burst = 0;                // so many at once do not have to keep to the rate
        int v4_bits = 32, v6_bits = 64;           // the part of an address that counts as one client
        std::vector<net::Network> exceptions;
    };
    enum class Event { connection, auth, tls };

    explicit Limits(Settings settings) : settings_(std::move(settings)) {}

    net::Address key(const net::Address& address) const;  // the part that counts as one client
    bool is_exempt(const net::Address& address) const;

    // One more connection; how many that makes. Everybody who was counted in is counted out.
    long enter(const net::Address& address);
    void leave(const net::Address& address);
    bool too_many(const net::Address& address, long connections) const;
    // The connections of the client's network, if they are too many, else 0.
    long too_many_of_network(const net::Address& address) const;

    // Counts the event: the rate, if it is above its limit, else 0.
    long exceeded(const net::Address& address, Event event, Clock::time_point now);
    // Counts a connection in the client's burst: those of the last time unit, if they come too fast, else 0.
    long too_fast(const net::Address& address, Clock::time_point now);

    // Forgets who is not connected and did nothing in the last time unit.
    void clean_up(Clock::time_point now);
    std::size_t size() const { return clients_.size(); }

private:
    struct Client {
        long connections = 0;
        long counts[3] = {0, 0, 0};
        Clock::time_point since{};
        double burst = 0;                         // the connections at once that were not made good for by waiting
        Clock::time_point burst_since{};
    };
    static net::Address network(const net::Address& address);
    long limit(Event event) const;

    Settings settings_;
    std::map<net::Address, Client> clients_;
    std::map<net::Address, long> networks_;       // connections
};

}  // namespace mta::front
