#include "qmgr/due.h"

namespace mta::qmgr {

DueHeap::Item DueHeap::take_first()
{
    auto [due, key] = *items_.begin();
    items_.erase(items_.begin());
    return {std::string(key.id.data(), key.id.size()), key.state, due};
}

void DueHeap::flush(const std::set<std::string, std::less<>>& ids, std::int64_t now)
{
    std::set<std::pair<std::int64_t, Key>> flushed;
    for (const auto& [due, key] : items_)
        flushed.emplace(ids.contains(std::string_view(key.id.data(), key.id.size())) ? std::min(due, now) : due, key);
    items_ = std::move(flushed);
}

void DueHeap::flush(std::int64_t now)
{
    std::set<std::pair<std::int64_t, Key>> flushed;
    for (const auto& [due, key] : items_)
        flushed.emplace(std::min(due, now), key);
    items_ = std::move(flushed);
}

bool DueHeap::flush(const std::string& id, std::int64_t now)
{
    for (auto item = items_.begin(); item != items_.end(); ++item) {
        if (std::string_view(item->second.id.data(), item->second.id.size()) != id)
            continue;
        auto key = item->second;
        items_.erase(item);
        items_.emplace(now, key);
        return true;
    }
    return false;
}

}  // namespace mta::qmgr
