#include "auth/penalty.h"

#include <algorithm>

#include "net/address.h"

namespace mta::auth {

using namespace std::chrono_literals;

namespace {

constexpr auto memory = 10min;        // a client or user without a failure for so long starts anew
constexpr auto known_memory = 24h, day = 24h;
constexpr auto minute = 60s;
constexpr long free_failures = 2;     // typing errors
constexpr std::size_t max_records = 50000;
constexpr int v6_client_bits = 64;

}  // namespace

std::string Penalty::client_of(const std::string& address)
{
    auto parsed = net::Address::parse(address);
    if (!parsed)
        return "unknown";
    return parsed->is_v6() ? parsed->prefix(v6_client_bits).text() : parsed->text();
}

long Penalty::failures(const Records& records, const std::string& key, Clock::time_point now)
{
    auto found = records.find(key);
    return found == records.end() || now - found->second.last > memory ? 0 : found->second.failures;
}

void Penalty::add(Records& records, const std::string& key, Clock::time_point now)
{
    shrink(records, now);
    auto& record = records[key];
    if (now - record.last > memory)
        record.failures = 0;
    ++record.failures;
    record.last = now;
    add(record.minute, minute, now);
    add(record.day, day, now);
}

void Penalty::add(Count& count, Clock::duration time, Clock::time_point now)
{
    if (count.number == 0 || now - count.since >= time)
        count = {0, now};
    ++count.number;
}

bool Penalty::is_full(const Count& count, const config::Limit& limit, Clock::duration time, Clock::time_point now)
{
    return limit.is_exceeded_by(count.number + 1) && now - count.since < time;
}

std::optional<Penalty::Exceeded> Penalty::exceeded(const std::string& address, const std::string& user, Clock::time_point now) const
{
    if (!net::Address::parse(address))
        return std::nullopt;  // all those whom the asking program does not name would be one client
    auto client = client_of(address);
    auto known = known_.find(user + '\0' + client);
    if (known != known_.end() && now - known->second.last < known_memory)
        return std::nullopt;
    auto found = clients_.find(client);
    if (found == clients_.end())
        return std::nullopt;
    const auto& record = found->second;
    if (is_full(record.day, limits_.per_day, day, now))
        return Exceeded{"auth_failure_day_limit", record.day.number};
    if (is_full(record.minute, limits_.per_minute, minute, now))
        return Exceeded{"auth_failure_minute_limit", record.minute.number};
    return std::nullopt;
}

// Makes room: first what is outdated, then the older half.
void Penalty::shrink(Records& records, Clock::time_point now)
{
    if (records.size() < max_records)
        return;
    std::erase_if(records, [&](const auto& item) { return now - item.second.last > memory; });
    for (auto age = memory / 2; records.size() >= max_records && age > 1ms; age /= 2)
        std::erase_if(records, [&](const auto& item) { return now - item.second.last > age; });
    if (records.size() >= max_records)
        records.clear();
}

Penalty::Delay Penalty::for_failures(long count) const
{
    if (count <= free_failures)
        return 0ms;
    auto doublings = std::min(count - free_failures - 1, 10L);
    return std::min(limit_, Delay(1s) * (1L << doublings));
}

Penalty::Delay Penalty::delay(const std::string& address, const std::string& user, long in_hand, Clock::time_point now)
{
    auto client = client_of(address);
    auto known = known_.find(user + '\0' + client);
    if (known != known_.end() && now - known->second.last < known_memory)
        return for_failures(known->second.failures);
    auto by_client = failures(clients_, client, now);
    if (by_client > 0)
        by_client += in_hand;
    return for_failures(std::max(by_client, failures(users_, user, now)));
}

void Penalty::failed(const std::string& address, const std::string& user, Clock::time_point now)
{
    auto client = client_of(address);
    add(clients_, client, now);
    if (user.empty())
        return;
    add(users_, user, now);
    if (auto known = known_.find(user + '\0' + client); known != known_.end())
        ++known->second.failures;
}

// Half of the client's failures stay: somebody with an account of their own could otherwise go on trying for ever.
void Penalty::succeeded(const std::string& address, const std::string& user, Clock::time_point now)
{
    auto client = client_of(address);
    if (auto found = clients_.find(client); found != clients_.end())
        found->second.failures /= 2;
    shrink(known_, now);
    known_[user + '\0' + client] = {0, now, {}, {}};
}

}  // namespace mta::auth
