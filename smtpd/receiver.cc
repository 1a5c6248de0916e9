#include "smtpd/receiver.h"

#include <algorithm>

namespace mta::smtpd {

namespace {

// What is read and thrown away of a message that is too big before the client is sent away.
constexpr std::uint64_t min_discarded_bytes = 64u << 20;

}  // namespace

Receiver::Receiver(net::Stream& client, Outlet& outlet, smtp::BareNewline bare_newline, const Limits& limits, std::uint64_t& bytes)
    : client_(client), outlet_(outlet), bare_newline_(bare_newline), limits_(limits), bytes_(bytes)
{
    bytes_ = 0;
}

Receiver::~Receiver()
{
    if (!passed_on_)
        outlet_.cancel();
}

// Whoever sends some bytes now and then must not hold a process for ever.
net::Seconds Receiver::time_left() const
{
    auto earned = limits_.bytes_per_second > 0 ? std::chrono::seconds(received_ / static_cast<std::uint64_t>(limits_.bytes_per_second)) : std::chrono::seconds(86400);
    auto used = std::chrono::floor<std::chrono::seconds>(duration());
    auto left = std::min(limits_.time, limits_.time + earned - used);
    if (const auto& total = limits_.total_time.time())
        left = std::min(left, *total - used);
    if (left.count() <= 0)
        throw net::Lost(net::Lost::Kind::timeout, "timeout");
    return left;
}

Receiver::Result Receiver::look_for_faults() const
{
    bool forbids_bare = bare_newline_ == smtp::BareNewline::reject;
    if (forbids_bare && reader_.has_bare_lf())
        return {"550 5.5.2 Error: bare <LF> received", "", false};
    if (forbids_bare && reader_.has_bare_cr())
        return {"550 5.5.2 Error: bare <CR> received", "", false};
    if (limits_.bytes > 0 && bytes_ > limits_.bytes)
        return {"552 5.3.4 Error: message file too big", "message_size_limit", false};
    if (hops_.hops() + 1 >= limits_.hops)  // ours is one
        return {"554 5.4.0 Error: too many hops", "hopcount_limit", false};
    return {};
}

// A client that takes LF.LF for the end waits for our answer, or has begun its next commands within the message.
bool Receiver::must_stop() const
{
    bool is_fooled = bare_newline_ == smtp::BareNewline::reject && reader_.has_false_end();
    return is_fooled || received_ > 2 * limits_.bytes + min_discarded_bytes;
}

Receiver::Result Receiver::receive(std::string_view head)
{
    Result result;
    std::string clean;
    outlet_.write(head);
    while (!reader_.is_finished()) {
        auto raw = client_.peek(time_left());
        if (raw.empty())
            throw net::Lost(net::Lost::Kind::closed, "end of file");
        clean.clear();
        auto used = reader_.read(raw, clean);
        client_.consume(used);
        received_ += used;
        bytes_ += clean.size();
        if (result.refusal.empty()) {
            hops_.read(clean);
            result = look_for_faults();
            if (result.refusal.empty())
                outlet_.write(clean);
            else
                outlet_.cancel();
        }
        result.must_disconnect = !result.refusal.empty() && must_stop();
        if (result.must_disconnect)
            return result;
    }
    passed_on_ = result.refusal.empty();
    return result;
}

}  // namespace mta::smtpd
