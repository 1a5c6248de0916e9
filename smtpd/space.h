#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/fd.h"

namespace mta::smtpd {

// What a file system has.
struct Space {
    std::uint64_t bytes = 0, free_bytes = 0;
    std::uint64_t inodes = 0, free_inodes = 0;  // 0, 0: it makes them as it needs them
};

// How much of it must stay free for a mail to be taken, so that what is in the queue can still be worked on.
struct Reserve {
    std::uint64_t message_bytes = 0;            // the largest message, or what this one says it has
    std::uint64_t free_bytes = 0;               // queue_minfree
};
bool has_room(const Space& space, const Reserve& reserve);

// The queue's file system, looked at now and then, by a file in it: a directory would be a way out of the sandbox.
class QueueSpace {
public:
    explicit QueueSpace(const std::string& file);
    Space look();                                       // nothing is free where nobody can tell

private:
    Fd file_;
    Space space_;
    std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace mta::smtpd
