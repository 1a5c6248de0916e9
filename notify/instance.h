#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "event/event.h"

namespace mta::notify {

// Whether the descriptor, which may come from anybody, is one of inotify.
bool is_inotify(const Fd& fd);

// The inotify instance of one uid. Its owner has the same descriptor and may be up to mischief: reading never blocks for long.
class Instance {
public:
    struct Handlers {
        std::function<void(int watch)> happened;   // in the directory of this watch
        std::function<void()> overflowed;          // some events are lost
        std::function<void()> broken;              // it is of no use any more; may destroy the Instance
    };
    Instance(event::Loop& loop, Fd fd, Handlers handlers);

    Fd copy() const;
    void remove(int watch);

private:
    void ready();
    bool read_events(std::vector<int>& watches, bool& has_overflowed);

    Fd fd_;
    Handlers handlers_;
    std::unique_ptr<event::Watch> watch_;
};

}  // namespace mta::notify
