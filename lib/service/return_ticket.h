#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "service/auth.h"
#include "service/secret.h"

// How a session comes back to its mailbox after it has waited in front. A ticket of auth is good once and for a minute; what a
// worker gives back to front is its account under a secret that only root can read. front can keep such a ticket, but not
// make one, and neither can a worker: it forgets the secret before it listens to a client.
namespace mta::service {

// Where master leaves the secret.
std::string return_secret_path(const std::string& queue_directory);

class ReturnSecret {
public:
    explicit ReturnSecret(Secret secret) : secret_(std::move(secret)) {}

    static bool is_return_ticket(std::string_view ticket);
    std::string ticket(const Account& account, const std::string& protocol) const;
    // The account, if the ticket was made with this secret for this protocol.
    Result<Account> redeem(std::string_view ticket, std::string_view protocol) const;

    // Nothing can be made or redeemed from now on.
    void wipe() { secret_.wipe(); }
    bool is_wiped() const { return secret_.is_wiped(); }

private:
    Secret secret_;
};

}  // namespace mta::service
