#pragma once

#include <string>
#include <vector>

#include "base/fd.h"

namespace mta::master {

// Becoming a daemon: the process that was called waits until its child has started, and passes on how that went.
class Launch {
public:
    enum class Mode {
        foreground,   // no child
        detach,       // the caller goes when the child has its sockets
        wait,         // the caller goes when every service is ready or has failed
    };
    // Returns in the process that shall be the daemon; the waiting one exits in here.
    explicit Launch(Mode mode);

    bool is_foreground() const { return mode_ == Mode::foreground; }
    // Files and sockets are fine: lets go of the terminal.
    void initialized();
    // Every service was tried; the texts name those that failed.
    void settled(const std::vector<std::string>& failed);

private:
    void tell(const std::string& text);

    Mode mode_;
    Fd pipe_;  // to the waiting process
};

}  // namespace mta::master
