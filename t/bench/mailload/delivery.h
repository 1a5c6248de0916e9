#pragma once

#include "t/bench/mailload/loop.h"
#include "t/bench/mailload/options.h"

namespace mta::bench {

// Deliveries seen, and when the last one was.
struct Arrivals {
    long count = 0;
    Clock::time_point last{};
    void add(long more)
    {
        count += more;
        last = Clock::now();
    }
};

// Counts the files that appear in the mailboxes' directories.
std::unique_ptr<Source> maildir_watch(const Options& options, Arrivals& arrivals);

// A server that takes every mail and drops it, and counts its recipients.
std::unique_ptr<Source> sink(Loop& loop, int port, Arrivals& arrivals);

}  // namespace mta::bench
