#pragma once

#include <set>
#include <string>
#include <vector>

#include "t/bench/mailload/delivery.h"
#include "t/bench/mailload/loop.h"
#include "t/bench/mailload/options.h"

namespace mta::bench {

class Dawdler;

// The clients of one run and what they saw.
struct Run {
    explicit Run(const Options& given);
    void start_client();                 // at once, or when one that waits has its greeting
    void stopped_waiting();              // a client, for its greeting
    bool work_is_left() const { return claimed < options.messages; }
    void failed(std::string_view why);

    const Options& options;
    std::string body;                    // text of any message, cut to its size
    Arrivals arrivals;
    Clock::time_point began = Clock::now(), last_reply{};
    long claimed = 0, done = 0, errors = 0;   // messages, or idle connections
    long waiting = 0, postponed = 0;     // clients
    std::string first_error;
    std::set<Dawdler*> dawdlers;         // those that are connected
    std::vector<double> greetings;       // of good clients, in milliseconds
    Loop loop;                           // last: what it owns refers to the rest
};

// Sends one message as smtp-source does, one command at a time, or stays connected after EHLO (idle).
std::unique_ptr<Source> client(Run& run);

// Connects, waits for the greeting, begins a command and sends one byte of it now and then, for ever.
class Dawdler : public Connection {
public:
    explicit Dawdler(Run& run);
    ~Dawdler() override;
    // One more byte; does nothing before the greeting.
    void dribble();

private:
    bool received(std::string_view bytes) override;
    void lost() override;
    Run& run_;
    bool is_greeted_ = false;
};

// Times the greeting, says QUIT, and counts as done.
std::unique_ptr<Source> good_client(Run& run);

}  // namespace mta::bench
