#include "front/known_clients.h"

namespace mta::front {

void KnownClients::remember(const net::Address& client, Clock::time_point now)
{
    auto [found, is_new] = clients_.try_emplace(client);
    if (is_new)
        found->second = visits_.insert(visits_.end(), {client, now});
    else
        visits_.splice(visits_.end(), visits_, found->second);
    found->second->when = now;
    if (clients_.size() <= max_clients)
        return;
    clients_.erase(visits_.front().client);
    visits_.pop_front();
}

bool KnownClients::knows(const net::Address& client, Clock::time_point now) const
{
    auto found = clients_.find(client);
    return found != clients_.end() && now - found->second->when < memory;
}

}  // namespace mta::front
