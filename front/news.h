#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "event/event.h"
#include "ipc/peer.h"

namespace mta::front {

// The connection to notify, for all sessions that wait to be woken. Without notify they are woken, too, a few at a time: their
// workers see to it how they wait on.
class News {
public:
    using Woken = std::function<void(std::uint64_t connection)>;
    News(event::Loop& loop, std::string socket, Woken woken);
    ~News();

    // Calls woken, later, when something has happened since the key was registered; once.
    void watch(const std::string& key, std::uint64_t connection);
    void forget(const std::string& key);

private:
    bool connect();
    void received(const ipc::Message& message);
    void lost();
    void wake_one();

    event::Loop& loop_;
    std::string socket_;
    Woken woken_;
    std::map<std::string, std::uint64_t> waiting_;  // by key
    std::deque<std::uint64_t> to_wake_;
    std::unique_ptr<ipc::Peer> notify_;
    event::Timer pace_;
};

}  // namespace mta::front
