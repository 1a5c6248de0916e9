#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "queue/directory.h"

namespace mta::qmgr {

// The mails that wait for their next attempt, by due time: a few dozen bytes each, never a look at the disk.
class DueHeap {
public:
    struct Item {
        std::string id;
        queue::State state;
        std::int64_t due;          // seconds since 1970
    };

    void add(const std::string& id, queue::State state, std::int64_t due) { items_.insert({due, Key(id, state)}); }
    bool empty() const { return items_.empty(); }
    std::size_t size() const { return items_.size(); }
    std::int64_t next_due() const { return items_.begin()->first; }
    Item take_first();
    // Everything becomes due now, in its order.
    void flush(std::int64_t now);
    void flush(const std::set<std::string, std::less<>>& ids, std::int64_t now);  // these
    bool flush(const std::string& id, std::int64_t now);

private:
    struct Key {
        Key(const std::string& text, queue::State s) : state(s) { std::memcpy(id.data(), text.data(), id.size()); }
        std::array<char, 16> id;   // as long as a queue ID is
        queue::State state;
        auto operator<=>(const Key&) const = default;
    };
    std::set<std::pair<std::int64_t, Key>> items_;
};

}  // namespace mta::qmgr
