#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "net/address.h"

namespace mta::net {

// Hits of limits, for the log. A hostile client makes thousands of them a second, so that a source has one line a minute for each
// limit: the first hit at once, and then how many more there were. What is kept is bounded: sources that find no room share one.
class LimitHits {
public:
    using Clock = std::chrono::steady_clock;
    using Writer = std::function<void(const std::string& line)>;
    static constexpr std::size_t max_sources = 1000;

    explicit LimitHits(Writer writer) : writer_(std::move(writer)) {}

    // Counts one. words: what the log says of the first one, instead of "limit hit: NAME source=[192.0.2.1] value=51".
    void hit(std::string_view limit, const Address& source, std::string_view value, Clock::time_point now, std::string_view words = {});
    // Writes what has waited for a minute: "limit hit: NAME source=[192.0.2.1] value=51 (17 more times within a minute)".
    void report(Clock::time_point now);
    // Writes all there is, before the end.
    void report_all() { report(Clock::time_point::max()); }

    long total() const { return total_; }
    std::size_t size() const { return sources_.size(); }

private:
    struct Source {
        Clock::time_point since;
        long more = 0;
        std::string value;                // of the last hit
    };
    using Key = std::pair<std::string, Address>;  // ordered: remote hosts choose the addresses

    Writer writer_;
    std::map<Key, Source> sources_;
    long total_ = 0;
    Clock::time_point reported_{};
};

// The hits of this process, that go to its log, and into what all processes count. The source is the client's address: IPv6 clients have a /64.
void limit_hit(std::string_view limit, const Address& source, std::string_view value, std::string_view words = {});
void report_limit_hits();
void report_all_limit_hits();

}  // namespace mta::net
