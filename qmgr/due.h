#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "queue/directory.h"

namespace mta::qmgr {

// The mails that wait for their next attempt, by due time and by queue ID: some dozen bytes each, never a look at the disk.
// Nothing here takes longer than the logarithm of their number, so that a large queue never holds up the event loop.
class DueHeap {
public:
    struct Item {
        std::string id;
        queue::State state;
    };

    void add(const std::string& id, queue::State state, std::int64_t due);  // due: seconds since 1970; again: replaces
    bool contains(const std::string& id) const { return items_.contains(key_of(id)); }
    bool empty() const { return items_.empty(); }
    std::size_t size() const { return items_.size(); }
    std::int64_t next_due() const { return flushed_.empty() ? waiting_.begin()->first : 0; }
    Item take_first();
    // Everything becomes due now, in its order, before what comes later.
    void flush();
    bool flush(const std::string& id, std::int64_t now);  // false: it is not here
    // The first behind that ID, by IDs; for walks in small steps.
    std::optional<Item> next_after(const std::string& id) const;

private:
    using Key = std::array<char, 16>;  // as long as a queue ID is
    using Order = std::set<std::pair<std::int64_t, Key>>;
    struct Place {
        std::int64_t due;
        queue::State state;
    };
    static Key key_of(const std::string& id);
    void place(const Key& key, Place& place, std::int64_t due);

    std::map<Key, Place> items_;
    Order waiting_, flushed_;      // each item is in one of them
};

}  // namespace mta::qmgr
