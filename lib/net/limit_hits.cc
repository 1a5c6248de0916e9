#include "net/limit_hits.h"

#include "base/text.h"
#include "log/log.h"
#include "net/hit_counts.h"

namespace mta::net {

namespace {

using namespace std::chrono_literals;

constexpr auto interval = 60s, look_interval = 1s;
constexpr int v6_source_bits = 64;
constexpr std::size_t max_value_bytes = 64;

std::string line_of(std::string_view limit, const Address& source, std::string_view value)
{
    auto name = source == Address() ? std::string("others") : cat("[", source.text(), "]");
    return cat("limit hit: ", limit, " source=", name, " value=", value);
}

LimitHits& of_this_process()
{
    static LimitHits hits([](const std::string& line) { log::warning(line); });
    return hits;
}

}  // namespace

void LimitHits::hit(std::string_view limit, const Address& source, std::string_view value, Clock::time_point now, std::string_view words)
{
    ++total_;
    if (now - reported_ >= look_interval)
        report(now);
    Key key(limit, source.is_v6() ? source.prefix(v6_source_bits) : source);
    if (sources_.size() >= max_sources && !sources_.contains(key))
        key.second = Address();
    auto [found, is_new] = sources_.try_emplace(std::move(key), Source{now, 0, ""});
    auto& entry = found->second;
    entry.value = value.substr(0, max_value_bytes);
    if (!is_new)
        ++entry.more;
    else
        writer_(words.empty() ? line_of(limit, found->first.second, entry.value) : std::string(words));
}

void LimitHits::report(Clock::time_point now)
{
    reported_ = now;
    for (auto at = sources_.begin(); at != sources_.end();) {
        auto& [key, source] = *at;
        if (now - source.since < interval) {
            ++at;
            continue;
        }
        if (source.more == 0) {
            at = sources_.erase(at);
            continue;
        }
        writer_(cat(line_of(key.first, key.second, source.value), " (", source.more, " more times within a minute)"));
        source.more = 0;
        source.since = now;
        ++at;
    }
}

void limit_hit(std::string_view limit, const Address& source, std::string_view value, std::string_view words)
{
    count_hit(limit);
    of_this_process().hit(limit, source, value, LimitHits::Clock::now(), words);
}

void report_limit_hits() { of_this_process().report(LimitHits::Clock::now()); }
void report_all_limit_hits() { of_this_process().report_all(); }

}  // namespace mta::net
