#pragma once

#include <string>
#include <vector>

#include "base/fd.h"

namespace mta::imapd {

// Learns from the kernel that something in a folder has changed. Without inotify (its limits are per user) it is silent.
class Watch {
public:
    explicit Watch(const std::vector<std::string>& paths);

    int fd() const { return fd_.get(); }  // readable after a change; -1 without inotify
    void drain();

private:
    Fd fd_;
};

}  // namespace mta::imapd
