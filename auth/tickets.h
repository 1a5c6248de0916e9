#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace mta::auth {

// Logins that front was told of and that a worker will ask about, once, within a minute.
class Tickets {
public:
    using Clock = std::chrono::steady_clock;
    struct Grant {
        std::string service, user, uid, gid, home, mail;
        Clock::time_point expires{};
    };

    std::string issue(Grant grant, Clock::time_point now);
    // The grant, if the ticket is good for that service; it is void from now on in any case.
    std::optional<Grant> redeem(const std::string& ticket, const std::string& service, Clock::time_point now);
    std::size_t size() const { return grants_.size(); }

private:
    std::map<std::string, Grant> grants_;
};

}  // namespace mta::auth
