#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "config/limit.h"
#include "net/stream.h"
#include "smtp/data_reader.h"
#include "smtpd/backends.h"
#include "smtpd/hop_counter.h"

namespace mta::smtpd {

// Takes one message behind "354" and passes it on. A message that is refused is still read to its end, so that the client gets
// its answer where it expects one. Destroyed before the end, it cancels the mail.
class Receiver {
public:
    struct Limits {
        std::uint64_t bytes = 0;           // 0: none
        long hops = 0;
        std::chrono::seconds time{300};    // for a client that sends nothing
        long bytes_per_second = 0;         // 0: no rate
        config::TimeLimit grace;           // in which it may fall behind that rate, from the beginning
        config::TimeLimit total_time;      // for the whole message
    };
    // Counts the bytes of the message where the caller sees them, also when receive() ends by an exception.
    Receiver(net::Stream& client, Outlet& outlet, smtp::BareNewline bare_newline, const Limits& limits, std::uint64_t& bytes);
    ~Receiver();
    Receiver(const Receiver&) = delete;

    struct Result {
        std::string refusal;               // "552 5.3.4 Error: message file too big"; empty: all was passed on
        std::string_view limit;            // the parameter that made it, if it was one
        bool must_disconnect = false;      // client and server may not agree where the message ends
    };
    // Writes the head (our trace field), then what the client sends. Throws net::Lost when the client is gone or slow.
    Result receive(std::string_view head);
    // Of a client that was too slow: the parameter that says so, and how slow it was.
    std::pair<std::string_view, std::string> overrun() const;

    bool has_bare_newline() const { return reader_.has_bare_lf() || reader_.has_bare_cr(); }

private:
    using Clock = std::chrono::steady_clock;
    net::Seconds time_left() const;
    void heard(std::size_t bytes);
    Result look_for_faults() const;
    bool must_stop() const;

    net::Stream& client_;
    Outlet& outlet_;
    smtp::BareNewline bare_newline_;
    Limits limits_;
    smtp::DataReader reader_;
    HopCounter hops_;
    Clock::time_point started_ = Clock::now();
    Clock::time_point behind_;             // when the client is behind its rate
    std::uint64_t& bytes_;                 // of the message
    std::uint64_t received_ = 0;           // from the client
    bool passed_on_ = false;
};

}  // namespace mta::smtpd
