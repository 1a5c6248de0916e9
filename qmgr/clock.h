#pragma once

#include <time.h>

#include <cstdint>

#include "queue/id.h"

namespace mta::qmgr {

// The time of day when qmgr asked first, and what has passed since then, in microseconds since 1970. Mail waits and grows old by this
// clock: when somebody sets the other one, nothing becomes due or expires, and nothing waits for years.
inline std::int64_t steady_now()
{
    auto since_boot = [] {
        timespec time{};
        ::clock_gettime(CLOCK_BOOTTIME, &time);
        return static_cast<std::int64_t>(time.tv_sec) * 1000000 + time.tv_nsec / 1000;
    };
    static const std::int64_t boot = queue::now() - since_boot();
    return boot + since_boot();
}

inline std::int64_t steady_seconds() { return steady_now() / 1000000; }

}  // namespace mta::qmgr
