#include "front/limits.h"

#include <algorithm>
#include <iterator>

namespace mta::front {

net::Address Limits::key(const net::Address& address) const
{
    return address.prefix(address.is_v6() ? settings_.v6_bits : settings_.v4_bits);
}

bool Limits::is_exempt(const net::Address& address) const
{
    return std::any_of(settings_.exceptions.begin(), settings_.exceptions.end(),
                       [&](const net::Network& network) { return network.contains(address); });
}

long Limits::enter(const net::Address& address) { return ++clients_[key(address)].connections; }

void Limits::leave(const net::Address& address)
{
    auto found = clients_.find(key(address));
    if (found == clients_.end())
        return;
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

void Limits::clean_up(Clock::time_point now)
{
    std::erase_if(clients_, [&](const auto& item) {
        return item.second.connections == 0 && now - item.second.since >= settings_.time_unit;
    });
}

}  // namespace mta::front
