#pragma once

#include <sys/inotify.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"

namespace mta::imapd {

// Learns from the kernel that something in a folder has changed. Without inotify (its limits are per user) it is silent.
class Watch {
public:
    // What there is to know of a directory that is watched.
    static constexpr std::uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF;

    explicit Watch(const std::vector<std::string>& paths);

    int fd() const { return fd_.get(); }  // readable after a change; -1 without inotify
    void drain();

private:
    Fd fd_;
};

}  // namespace mta::imapd
