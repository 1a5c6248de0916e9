#pragma once

#include <deque>
#include <functional>
#include <string>

#include "event/event.h"
#include "qmgr/due.h"

namespace mta::qmgr {

// Makes deferred mail with an open recipient in a domain due now. Its files are read for that, a few per turn of the event loop.
class SiteFlush {
public:
    // found is called after each turn that made any mail due.
    SiteFlush(event::Loop& loop, DueHeap& due, const queue::Directory& queue, std::function<void()> found);
    // False if so many domains wait that no more are taken.
    bool add(const std::string& domain);

private:
    void turn();
    bool is_for(const std::string& suffix, const DueHeap::Item& item) const;

    DueHeap& due_;
    const queue::Directory& queue_;
    std::function<void()> found_;
    std::deque<std::string> suffixes_;  // "@" and the domain
    std::string last_;                  // where the walk for the first of them is
    event::Timer timer_;
};

}  // namespace mta::qmgr
