#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "dns/packet.h"
#include "event/event.h"
#include "net/address.h"

namespace mta::dns {

// One query to one server and the wait for its reply, without a time limit. Destroying it ends the wait.
class Exchange {
public:
    struct Outcome {
        enum Kind {
            reply,   // text is a packet that matches the query
            flood,   // so many packets did not match that somebody may be guessing: ask by TCP
            broken,  // text says what is wrong with the connection
        } kind;
        std::string text;
    };
    // Called once, from the loop; it may destroy the Exchange.
    using Done = std::function<void(const Outcome&)>;
    virtual ~Exchange() = default;
};

// Each UDP query has its own connected socket: a port by chance, and the kernel drops what comes from elsewhere.
Result<std::unique_ptr<Exchange>> ask_by_udp(event::Loop& loop, const net::Endpoint& server, Query query, Exchange::Done done);
// RFC 7766, one query per connection.
Result<std::unique_ptr<Exchange>> ask_by_tcp(event::Loop& loop, const net::Endpoint& server, Query query, Exchange::Done done);

}  // namespace mta::dns
