#include "table/maps.h"

#include <algorithm>

#include "base/text.h"
#include "table/source.h"
#include "table/types.h"

namespace mta::table {

Result<Maps> Maps::open(const std::vector<std::string>& words, const Options& options)
{
    Maps maps;
    maps.options_ = options;
    for (const auto& word : words) {
        auto table = table::open(word, options);
        if (!table)
            return table.error();
        maps.tables_.push_back(std::move(*table));
    }
    return maps;
}

Result<Maps> Maps::open(std::string_view list, const Options& options) { return open(split_braced(list), options); }

Result<std::optional<Maps::Hit>> Maps::search(std::string_view key, Key kind) const
{
    if (key.empty())
        return std::optional<Hit>{};  // no feature has an empty key: a null sender is asked for as <>
    for (const auto& table : tables_) {
        if (kind == Key::part && table->takes_whole_keys_only())
            continue;
        auto found = table->find(key);
        if (!found)
            return failure(cat(table->name(), " lookup error for \"", key, "\": ", found.error().text));
        if (*found && (*found)->empty())
            return failure(cat(table->name(), " lookup of ", key, " returns an empty string result; it should return NO RESULT in case "
                               "of NOT FOUND"));
        if (*found)
            return std::optional(Hit{std::move(**found), table.get()});
    }
    if (!outdated_.empty())
        return failure(cat(outdated_, " has changed, but cannot be opened"));
    return std::optional<Hit>{};
}

Found Maps::find(std::string_view key, Key kind) const
{
    auto hit = search(key, kind);
    if (!hit)
        return hit.error();
    return *hit ? std::optional(std::move((*hit)->value)) : std::nullopt;
}

void Maps::renew()
{
    constexpr std::time_t pause_seconds = 10;
    auto now = std::time(nullptr);
    if (now < next_renewal_)
        return;
    outdated_.clear();
    for (auto& table : tables_) {
        if (!table->is_stale())
            continue;
        auto opened = table::open(table->name(), strict(options_));
        if (opened) {
            table = *std::move(opened);
        } else {
            log_warning(cat(table->name(), " has changed, but cannot be opened: ", opened.error().text));
            next_renewal_ = now + pause_seconds;
            outdated_ = table->name();
        }
    }
}

bool Maps::is_stale() const
{
    return std::any_of(tables_.begin(), tables_.end(), [](const auto& table) { return table->is_stale(); });
}

}  // namespace mta::table
