#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "dns/answer.h"
#include "dns/exchange.h"
#include "dns/resolver.h"
#include "event/event.h"

namespace mta::dns {

// One question on its way: from server to server until one gives an answer, and all who wait for it.
class Lookup {
public:
    Lookup(Resolver& resolver, std::string key, std::string name, Type type);

    void start();  // may finish, and so destroy the object, at once
    bool has_started() const { return started_; }

    void add(std::uint64_t number, Resolver::Handler handler) { askers_.push_back({number, std::move(handler)}); }
    bool remove(std::uint64_t number);  // false if it does not wait here
    bool is_wanted() const { return !askers_.empty(); }
    void tell(const Answer& answer);    // every asker, once

private:
    struct Asker {
        std::uint64_t number;
        Resolver::Handler handler;
    };
    const net::Endpoint& server() const { return resolver_.options_.servers[server_]; }
    bool next_server();                        // false when every server had its turns
    void try_next(std::string reason);         // at the next server; the reason is why not at the last one
    Result<void> ask(bool by_tcp);
    void ask_again_by_tcp();
    void timed_out();
    void consider(const Exchange::Outcome& outcome);
    void consider_error(int code);
    void finish(Answer answer);
    void give_up(std::string reason);

    Resolver& resolver_;
    std::string key_, name_;
    Type type_;
    bool started_ = false;
    std::deque<Asker> askers_;
    std::size_t server_ = 0;
    std::vector<int> turns_;   // what is left for each server
    bool with_edns_ = true;
    bool by_tcp_ = false;
    Query query_;
    std::unique_ptr<Exchange> exchange_;
    std::string reason_;
    event::Timer try_timer_, deadline_;
};

}  // namespace mta::dns
