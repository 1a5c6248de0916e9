#include "notify/registry.h"

#include <algorithm>

#include "base/encode.h"

namespace mta::notify {

Result<void> Registry::add(uid_t uid, const std::string& key, const std::vector<int>& watches, Clock::time_point now)
{
    if (key.size() != key_bytes || !hex_decode(key) || keys_.contains(key))
        return failure("bad key");
    if (watches.empty() || watches.size() > max_watches_per_key)
        return failure("bad number of watches");
    auto owner = owners_.find(uid);
    if (owner != owners_.end() && (owner->second.keys >= limits_.keys || owner->second.unclaimed >= limits_.unclaimed))
        return failure("too many keys");
    auto& counts = owners_[uid];
    ++counts.keys;
    ++counts.unclaimed;
    for (int watch : watches)
        watches_[{uid, watch}].insert(key);
    keys_.emplace(key, Key{uid, watches, 0, now});
    return {};
}

bool Registry::claim(const std::string& key, Client client)
{
    auto found = keys_.find(key);
    if (found == keys_.end())
        return true;
    if (found->second.watches.empty()) {
        erase(found);
        return true;
    }
    if (found->second.client == 0)
        --owners_[found->second.uid].unclaimed;
    set_client(found, client);
    return false;
}

void Registry::set_client(Keys::iterator key, Client client)
{
    if (auto old = claims_.find(std::exchange(key->second.client, client)); old != claims_.end()) {
        old->second.erase(key->first);
        if (old->second.empty())
            claims_.erase(old);
    }
    if (client != 0)
        claims_[client].insert(key->first);
}

void Registry::forget(const std::string& key)
{
    if (auto found = keys_.find(key); found != keys_.end())
        erase(found);
}

void Registry::leave(Client client)
{
    auto claimed = claims_.find(client);
    if (claimed == claims_.end())
        return;
    for (const auto& key : std::set<std::string>(claimed->second))
        erase(keys_.find(key));
}

void Registry::release_watches(Keys::iterator key)
{
    for (int watch : std::exchange(key->second.watches, {})) {
        auto found = watches_.find({key->second.uid, watch});
        if (found == watches_.end())
            continue;
        found->second.erase(key->first);
        if (!found->second.empty())
            continue;
        watches_.erase(found);
        unused_.push_back({key->second.uid, watch});
    }
}

Registry::Keys::iterator Registry::erase(Keys::iterator key)
{
    release_watches(key);
    auto owner = owners_.find(key->second.uid);
    if (key->second.client == 0)
        --owner->second.unclaimed;
    set_client(key, 0);
    if (--owner->second.keys == 0)
        owners_.erase(owner);
    return keys_.erase(key);
}

// Those that nobody has claimed yet are kept, with their news.
std::vector<Registry::Told> Registry::tell(std::vector<std::string> keys)
{
    std::vector<Told> told;
    for (auto& name : keys) {
        auto key = keys_.find(name);
        if (key->second.client == 0) {
            release_watches(key);
            continue;
        }
        told.push_back({key->second.client, std::move(name)});
        erase(key);
    }
    return told;
}

std::vector<Registry::Told> Registry::happened(uid_t uid, int watch)
{
    auto found = watches_.find({uid, watch});
    if (found == watches_.end())
        return {};
    return tell({found->second.begin(), found->second.end()});
}

std::vector<Registry::Told> Registry::happened(uid_t uid)
{
    std::vector<std::string> keys;
    for (const auto& [name, key] : keys_)
        if (key.uid == uid)
            keys.push_back(name);
    return tell(std::move(keys));
}

void Registry::expire(Clock::time_point now)
{
    for (auto key = keys_.begin(); key != keys_.end();)
        key = key->second.client == 0 && now - key->second.since >= claim_limit ? erase(key) : std::next(key);
}

}  // namespace mta::notify
