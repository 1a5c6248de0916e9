#pragma once

#include <chrono>
#include <list>
#include <map>

#include "net/address.h"

namespace mta::front {

// The clients that have logged in, or sent a mail that was accepted, not long ago. Bounded: who came back least lately is forgotten.
class KnownClients {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t max_clients = 10000;
    static constexpr auto memory = std::chrono::hours(24);

    void remember(const net::Address& client, Clock::time_point now);
    bool knows(const net::Address& client, Clock::time_point now) const;
    std::size_t size() const { return clients_.size(); }

private:
    struct Visit {
        net::Address client;
        Clock::time_point when;
    };
    std::list<Visit> visits_;                     // one of each client, the latest at the end
    std::map<net::Address, std::list<Visit>::iterator> clients_;
};

}  // namespace mta::front
