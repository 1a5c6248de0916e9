#pragma once

#include <functional>
#include <memory>
#include <string>

#include "auth/mechanism.h"
#include "auth/penalty.h"
#include "auth/tickets.h"
#include "auth/wire.h"
#include "auth/workers.h"

namespace mta::auth {

// What all attempts share.
struct Shared {
    event::Loop& loop;
    Workers& workers;
    Penalty& penalty;
    Tickets& tickets;
    std::chrono::milliseconds failure_delay;
    std::map<std::string, long> in_hand;  // attempts per client
};

// One AUTH command of a client, until its OK or FAIL.
class Attempt {
public:
    using Send = std::function<void(std::string line, bool is_last)>;  // may destroy the attempt
    Attempt(Shared& shared, const WireLine& line, Send send);
    ~Attempt();
    Attempt(const Attempt&) = delete;

    void begin(const WireLine& line);
    void go_on(const WireLine& line);  // CONT

private:
    void obey(Step step);
    void ask(Step step);
    void answered(const CheckReply& reply);
    void succeed();
    void fail(std::string_view reason, std::string_view code, bool temporary, bool counts);

    Shared& shared_;
    std::uint32_t id_;
    std::string service_, address_, client_;
    Send send_;
    std::unique_ptr<Mechanism> mechanism_;
    CheckReply account_;
    Step pending_;
    long long question_ = 0;
    bool waiting_for_client_ = false;
    event::Timer timer_;
    std::function<void()> when_due_;
};

}  // namespace mta::auth
