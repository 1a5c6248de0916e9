#include "dns/cache.h"

#include <algorithm>

namespace mta::dns {

namespace {

// What an answer costs, roughly: text beside the objects themselves.
std::size_t cost_of(const std::string& key, const Answer& answer)
{
    std::size_t bytes = 256 + 2 * key.size() + answer.name.size() + answer.reason.size();
    for (const auto& record : answer.records)
        bytes += sizeof record + record.text().size();
    return bytes;
}

}  // namespace

std::optional<Answer> Cache::find(const std::string& key, Clock::time_point now)
{
    auto found = index_.find(key);
    if (found == index_.end())
        return std::nullopt;
    auto entry = found->second;
    auto age = std::chrono::duration_cast<std::chrono::seconds>(now - entry->made).count();
    if (age >= entry->answer.ttl) {
        drop(entry);
        return std::nullopt;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    Answer answer = entry->answer;
    auto seconds = static_cast<std::uint32_t>(age);
    answer.ttl -= seconds;
    for (auto& record : answer.records)
        record.ttl -= std::min(record.ttl, seconds);
    return answer;
}

void Cache::put(const std::string& key, Answer answer, Clock::time_point now)
{
    if (auto old = index_.find(key); old != index_.end())
        drop(old->second);
    auto bytes = cost_of(key, answer);
    if (answer.ttl == 0 || bytes > max_bytes_)
        return;
    while (bytes_ + bytes > max_bytes_)
        drop(std::prev(entries_.end()));
    entries_.push_front({key, std::move(answer), now, bytes});
    index_[key] = entries_.begin();
    bytes_ += bytes;
}

void Cache::drop(Entries::iterator entry)
{
    bytes_ -= entry->bytes;
    index_.erase(entry->key);
    entries_.erase(entry);
}

}  // namespace mta::dns
