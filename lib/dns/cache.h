#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "dns/answer.h"

namespace mta::dns {

// Answers for as long as they hold, the least recently used ones go first when there are too many.
class Cache {
public:
    using Clock = std::chrono::steady_clock;
    explicit Cache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    // The answer with what is left of its time to live; nothing if it is unknown or too old.
    std::optional<Answer> find(const std::string& key, Clock::time_point now = Clock::now());
    // Remembers it for answer.ttl seconds; one with a time to live of 0 is not kept.
    void put(const std::string& key, Answer answer, Clock::time_point now = Clock::now());
    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        std::string key;
        Answer answer;
        Clock::time_point made;
        std::size_t bytes = 0;
    };
    using Entries = std::list<Entry>;  // the most recently used one is first
    void drop(Entries::iterator entry);

    std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    Entries entries_;
    std::unordered_map<std::string, Entries::iterator> index_;
};

}  // namespace mta::dns
