#include "front/limits.h"

#include <algorithm>
#include <iterator>

namespace mta::front {

net::Address Limits::key(const net::Address& address) const
{
    return address.prefix(address.is_v6() ? settings_.v6_bits : settings_.v4_bits);
}

net::Address Limits::network(const net::Address& address)
{
    constexpr int v4_network_bits = 24, v6_network_bits = 48;
    return address.prefix(address.is_v6() ? v6_network_bits : v4_network_bits);
}

bool Limits::is_exempt(const net::Address& address) const
{
    return std::any_of(settings_.exceptions.begin(), settings_.exceptions.end(),
                       [&](const net::Network& network) { return network.contains(address); });
}

long Limits::enter(const net::Address& address)
{
    ++networks_[network(address)];
    return ++clients_[key(address)].connections;
}

void Limits::leave(const net::Address& address)
{
    auto found = clients_.find(key(address));
    if (found == clients_.end())
        return;
    if (auto of_network = networks_.find(network(address)); of_network != networks_.end() && --of_network->second <= 0)
        networks_.erase(of_network);
    auto& client = found->second;
    client.connections = std::max(client.connections - 1, 0L);
    bool is_counting = std::any_of(std::begin(client.counts), std::end(client.counts), [](long count) { return count > 0; });
    if (client.connections == 0 && !is_counting)
        clients_.erase(found);
}

bool Limits::too_many(const net::Address& address, long connections) const
{
    return settings_.connections > 0 && connections > settings_.connections && !is_exempt(address);
}

long Limits::too_many_of_network(const net::Address& address) const
{
    auto found = networks_.find(network(address));
    long count = found == networks_.end() ? 0 : found->second;
    return settings_.network_connections > 0 && count > settings_.network_connections && !is_exempt(address) ? count : 0;
}

long Limits::limit(Event event) const
{
    switch (event) {
    case Event::connection: return settings_.connection_rate;
    case Event::auth: return settings_.auth_rate;
    case Event::tls: return settings_.tls_rate;
    }
    return 0;
}

long Limits::exceeded(const net::Address& address, Event event, Clock::time_point now)
{
    if (limit(event) <= 0)
        return 0;
    auto& client = clients_[key(address)];
    if (now - client.since >= settings_.time_unit) {
        std::fill(std::begin(client.counts), std::end(client.counts), 0);
        client.since = now;
    }
    auto& count = client.counts[static_cast<int>(event)];
    ++count;
    return count > limit(event) && !is_exempt(address) ? count : 0;
}

// A bucket that leaks at the rate.
long Limits::too_fast(const net::Address& address, Clock::time_point now)
{
    if (settings_.connection_burst <= 0 || settings_.connection_rate <= 0)
        return 0;
    auto& client = clients_[key(address)];
    std::chrono::duration<double> passed = now - client.burst_since, unit = settings_.time_unit;
    client.burst = std::max(client.burst - passed / unit * static_cast<double>(settings_.connection_rate), 0.0);
    client.burst_since = now;
    constexpr double rounding = 1e-6;
    if (client.burst + 1 <= static_cast<double>(settings_.connection_burst) + rounding || is_exempt(address)) {
        client.burst += 1;
        return 0;
    }
    return client.counts[static_cast<int>(Event::connection)];
}

void Limits::clean_up(Clock::time_point now)
{
    std::erase_if(clients_, [&](const auto& item) {
        return item.second.connections == 0 && now - item.second.since >= settings_.time_unit;
    });
}

}  // namespace mta::front
