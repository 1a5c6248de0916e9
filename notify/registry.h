#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mta::notify {

using Client = std::uint64_t;  // a connection of ours; never 0

// Who waits for what: keys, each for some watches of one uid's inotify instance. A key is registered by a worker, claimed
// by a client, and gone when its news are told; a watch is unused when its last key is gone.
class Registry {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t key_bytes = 32, max_watches_per_key = 8;
    static constexpr std::chrono::seconds claim_limit{60};
    struct Limits {
        std::size_t keys = 65536, unclaimed = 4096;  // of one uid
    };
    struct Told {
        Client client;
        std::string key;
    };
    struct Unused {
        uid_t uid;
        int watch;
    };

    explicit Registry(Limits limits) : limits_(limits) {}

    // An Error if it is no good key or has too many watches, or the uid too many keys.
    Result<void> add(uid_t uid, const std::string& key, const std::vector<int>& watches, Clock::time_point now);
    // True if the client must be told at once: something has happened already, or the key is not known (any more).
    bool claim(const std::string& key, Client client);
    void forget(const std::string& key);
    // Its keys are nobody's any more.
    void leave(Client client);
    // Something has happened: the clients to be told.
    std::vector<Told> happened(uid_t uid, int watch);
    // Perhaps to every watch of the uid.
    std::vector<Told> happened(uid_t uid);
    void expire(Clock::time_point now);

    // Watches without a key since the last call.
    std::vector<Unused> take_unused() { return std::exchange(unused_, {}); }
    bool is_used(uid_t uid, int watch) const { return watches_.contains({uid, watch}); }
    bool is_used(uid_t uid) const { return owners_.contains(uid); }
    std::size_t size() const { return keys_.size(); }

private:
    struct Key {
        uid_t uid;
        std::vector<int> watches;   // none: it has news
        Client client = 0;          // 0: unclaimed
        Clock::time_point since;
    };
    struct Owner {
        std::size_t keys = 0, unclaimed = 0;
    };
    using Keys = std::map<std::string, Key>;
    void set_client(Keys::iterator key, Client client);
    void release_watches(Keys::iterator key);
    Keys::iterator erase(Keys::iterator key);
    std::vector<Told> tell(std::vector<std::string> keys);

    Limits limits_;
    Keys keys_;
    std::map<std::pair<uid_t, int>, std::set<std::string>> watches_;  // their keys
    std::map<uid_t, Owner> owners_;                                   // those with keys
    std::map<Client, std::set<std::string>> claims_;                  // what they have claimed
    std::vector<Unused> unused_;
};

}  // namespace mta::notify
