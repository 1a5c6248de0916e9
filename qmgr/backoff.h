#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mta::qmgr {

// The seconds until the next attempt: as long as the mail is old, between the limits, and up to a fifth more (chance: 0 to 1), so
// that mails spread. Never less, or they would find a destination that was suspended together with them still suspended.
inline std::int64_t backoff(std::int64_t age, std::int64_t least, std::int64_t most, double chance)
{
    constexpr double jitter = 0.2;
    auto wait = static_cast<double>(std::clamp(age, least, std::max(least, most)));
    return static_cast<std::int64_t>(std::ceil(wait * (1 + jitter * chance))) + 1;  // of the second that has begun
}

}  // namespace mta::qmgr
