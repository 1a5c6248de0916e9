#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dns/answer.h"
#include "dns/cache.h"
#include "dns/packet.h"
#include "event/event.h"
#include "net/address.h"

namespace mta::dns {

struct Options {
    std::vector<net::Endpoint> servers;
    std::chrono::milliseconds try_timeout{5000};   // for one try at one server
    int rounds = 2;                                // how often a silent server is asked
    std::chrono::milliseconds deadline{30000};     // for the whole look-up
    std::size_t cache_bytes = 16u << 20;
    std::size_t max_running = 500;                 // look-ups on the wire at once; more wait their turn
    std::size_t max_records = usual_max_records;   // of an answer
    bool trust_ad = false;                         // of every server; loopback servers are always believed
};

class Lookup;

// An event-driven stub: asks the servers in turn, checks what they say, remembers it. It knows nothing of search lists
// and asks for exactly the name given.
class Resolver {
public:
    using Handler = std::function<void(const Answer&)>;

    Resolver(event::Loop& loop, Options options);
    ~Resolver();
    Resolver(const Resolver&) = delete;

    // The place of one asker. Destroying it means that the answer is not wanted any more; it must go before the resolver.
    class Ticket {
    public:
        Ticket() = default;
        Ticket(Resolver& resolver, std::string key, std::uint64_t number)
            : resolver_(&resolver), key_(std::move(key)), number_(number) {}
        Ticket(Ticket&& other) noexcept { *this = std::move(other); }
        Ticket& operator=(Ticket&& other) noexcept;
        ~Ticket();  // NOLINT(bugprone-exception-escape): who has no memory for the look-up that is next in line ends
        void release() { resolver_ = nullptr; }  // the answer is wanted for as long as the resolver lives

    private:
        Resolver* resolver_ = nullptr;
        std::string key_;
        std::uint64_t number_ = 0;
    };

    // Calls the handler once with the answer: before it returns when the answer is known, else from the loop. Askers of
    // the same question share one look-up. The handler may destroy tickets and ask anew.
    [[nodiscard]] Ticket lookup(std::string_view name, Type type, Handler handler);

    std::size_t running() const { return lookups_.size(); }
    std::size_t cached() const { return cache_.size(); }

private:
    friend class Lookup;
    void forget(const std::string& key, std::uint64_t number);
    void finished(const std::string& key, const Answer& answer);
    void start_waiting();
    void avoid(std::size_t server);

    event::Loop& loop_;
    Options options_;
    Cache cache_;
    std::unordered_map<std::string, std::unique_ptr<Lookup>> lookups_;  // by "type/name"
    std::deque<std::string> waiting_;                                   // keys of look-ups that have not begun
    std::size_t on_wire_ = 0;
    bool starting_ = false;
    std::size_t preferred_ = 0;      // the server that is asked first: the last one that did not let us wait
    std::vector<Lookup*> telling_;   // look-ups whose askers are being told
    std::uint64_t last_number_ = 0;
};

}  // namespace mta::dns
