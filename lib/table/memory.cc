#include "table/memory.h"

namespace mta::table {

bool MemoryTable::add(std::string_view key, std::string_view value, bool replace)
{
    auto stored = folds_ ? fold(key) : std::string(key);
    auto [place, is_new] = index_.try_emplace(stored, entries_.size());
    if (is_new)
        entries_.emplace_back(std::move(stored), value);
    else if (replace)
        entries_[place->second].second = value;
    return is_new;
}

Found MemoryTable::find(std::string_view key)
{
    auto place = index_.find(folds_ ? fold(key) : std::string(key));
    if (place == index_.end())
        return std::optional<std::string>{};
    return std::optional(entries_[place->second].second);
}

Result<void> MemoryTable::list(const Visitor& visit)
{
    for (const auto& [key, value] : entries_)
        visit(key, value);
    return {};
}

}  // namespace mta::table
