#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace mta::master {

// How long to wait before a process that ended is started again: not at all when it had worked for a while, and
// longer each time when it fails at its start or soon after.
class Backoff {
public:
    using Milliseconds = std::chrono::milliseconds;
    static constexpr Milliseconds first_delay{1000};
    static constexpr Milliseconds trial{5000};  // who was ready for this long, works

    explicit Backoff(Milliseconds limit = Milliseconds{60000}) : limit_(limit) {}

    // ready_for: for how long the process was ready; nothing if it never was.
    Milliseconds after(std::optional<Milliseconds> ready_for)
    {
        if (ready_for && *ready_for >= trial) {
            next_ = first_delay;
            return Milliseconds{0};
        }
        auto delay = std::min(next_, limit_);
        next_ = std::min(next_ * 2, limit_);
        return delay;
    }

private:
    Milliseconds limit_;
    Milliseconds next_ = first_delay;
};

}  // namespace mta::master
