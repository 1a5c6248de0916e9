#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/auth.h"

// How a session comes back to its mailbox after it has waited in front. A ticket of auth is good once and for a minute; what a
// worker gives back to front is its account under a secret that only root can read. front can keep such a ticket, but not
// make one, and neither can a worker: it forgets the secret before it listens to a client.
namespace mta::service {

// Where master leaves the secret, anew at each start; in a directory of root's, so that nobody else can put one there.
std::string return_secret_path(const std::string& queue_directory);
Result<void> make_return_secret(const std::string& path);

class ReturnSecret {
public:
    // An Error, too, if somebody else than we could have written or read the file.
    static Result<ReturnSecret> load(const std::string& path);
    ReturnSecret(ReturnSecret&& other) noexcept;
    ReturnSecret& operator=(ReturnSecret&&) = delete;
    ~ReturnSecret() { wipe(); }

    static bool is_return_ticket(std::string_view ticket);
    std::string ticket(const Account& account, const std::string& protocol) const;
    // The account, if the ticket was made with this secret for this protocol.
    Result<Account> redeem(std::string_view ticket, std::string_view protocol) const;

    // Nothing can be made or redeemed from now on.
    void wipe();
    bool is_wiped() const { return is_wiped_; }

private:
    static constexpr std::size_t secret_bytes = 32;
    ReturnSecret() = default;
    std::string sign(std::string_view claim) const;

    std::array<char, secret_bytes> secret_{};
    bool is_wiped_ = true;
};

}  // namespace mta::service
