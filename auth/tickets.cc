#include "auth/tickets.h"

#include "base/checksum.h"
#include "base/encode.h"

namespace mta::auth {

namespace {

constexpr std::chrono::seconds lifetime{60};
constexpr std::size_t ticket_bytes = 24, max_tickets = 20000;

}  // namespace

std::string Tickets::issue(Grant grant, Clock::time_point now)
{
    if (grants_.size() >= max_tickets)
        std::erase_if(grants_, [&](const auto& item) { return item.second.expires < now; });
    if (grants_.size() >= max_tickets)
        grants_.clear();  // nobody redeems them
    auto ticket = hex_encode(random_bytes(ticket_bytes));
    grant.expires = now + lifetime;
    grants_[ticket] = std::move(grant);
    return ticket;
}

std::optional<Tickets::Grant> Tickets::redeem(const std::string& ticket, const std::string& service, Clock::time_point now)
{
    auto found = grants_.find(ticket);
    if (found == grants_.end())
        return std::nullopt;
    auto grant = std::move(found->second);
    grants_.erase(found);
    if (grant.expires < now || grant.service != service)
        return std::nullopt;
    return grant;
}

}  // namespace mta::auth
