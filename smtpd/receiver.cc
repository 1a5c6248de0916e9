#include "smtpd/receiver.h"

#include <algorithm>

#include "base/text.h"

namespace mta::smtpd {

namespace {

// What is read and thrown away of a message that is too big before the client is sent away.
constexpr std::uint64_t min_discarded_bytes = 64u << 20;

}  // namespace

Receiver::Receiver(net::Stream& client, Outlet& outlet, smtp::BareNewline bare_newline, const Limits& limits, std::uint64_t& bytes)
    : client_(client), outlet_(outlet), bare_newline_(bare_newline), limits_(limits),
      behind_(started_ + std::min(limits.time, limits.grace.time().value_or(limits.time))), bytes_(bytes)
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
    auto now = Clock::now();
    auto left = limits_.time;
    if (limits_.bytes_per_second > 0)
        left = std::min(left, std::chrono::ceil<std::chrono::seconds>(behind_ - now));
    if (const auto& total = limits_.total_time.time())
        left = std::min(left, std::chrono::ceil<std::chrono::seconds>(started_ + *total - now));
    if (left.count() <= 0)
        throw net::Lost(net::Lost::Kind::timeout, "timeout");
    return left;
}

// What came in time can be made up for, but not by more than a client may be silent anywhere else.
void Receiver::heard(std::size_t bytes)
{
    received_ += bytes;
    if (limits_.bytes_per_second > 0)
        behind_ = std::min(Clock::now() + limits_.time, behind_ + std::chrono::nanoseconds(std::chrono::seconds(bytes)) / limits_.bytes_per_second);
}

std::pair<std::string_view, std::string> Receiver::overrun() const
{
    auto used = Clock::now() - started_;
    auto seconds = std::chrono::floor<std::chrono::seconds>(used).count();
    if (limits_.total_time.is_reached_by(used))
        return {"smtpd_data_time_limit", cat(seconds, "s")};
    if (limits_.bytes_per_second <= 0 || Clock::now() < behind_)
        return {"smtpd_timeout", cat(limits_.time.count(), "s")};
    return {"smtpd_min_data_rate", cat(received_ / static_cast<std::uint64_t>(std::max(seconds, static_cast<decltype(seconds)>(1))))};
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
        heard(used);
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
