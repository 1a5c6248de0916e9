#include "qmgr/due.h"

#include <algorithm>

namespace mta::qmgr {

DueHeap::Key DueHeap::key_of(const std::string& id)
{
    Key key{};
    std::copy_n(id.begin(), std::min(id.size(), key.size()), key.begin());
    return key;
}

void DueHeap::place(const Key& key, Place& place, std::int64_t due)
{
    if (flushed_.erase({place.due, key}) == 0)
        waiting_.erase({place.due, key});
    place.due = due;
    waiting_.emplace(due, key);
}

void DueHeap::add(const std::string& id, queue::State state, std::int64_t due)
{
    auto key = key_of(id);
    auto& item = items_[key];
    item.state = state;
    place(key, item, due);
}

DueHeap::Item DueHeap::take_first()
{
    auto& order = flushed_.empty() ? waiting_ : flushed_;
    auto key = order.begin()->second;
    order.erase(order.begin());
    auto item = items_.find(key);
    auto state = item->second.state;
    items_.erase(item);
    return {std::string(key.data(), key.size()), state};
}

void DueHeap::flush()
{
    if (flushed_.empty())
        flushed_.swap(waiting_);
    else
        flushed_.merge(waiting_);
}

bool DueHeap::flush(const std::string& id, std::int64_t now)
{
    auto key = key_of(id);
    auto item = items_.find(key);
    if (item == items_.end())
        return false;
    place(key, item->second, now);
    return true;
}

std::optional<DueHeap::Item> DueHeap::next_after(const std::string& id) const
{
    auto item = items_.upper_bound(key_of(id));
    if (item == items_.end())
        return std::nullopt;
    return Item{std::string(item->first.data(), item->first.size()), item->second.state};
}

}  // namespace mta::qmgr
