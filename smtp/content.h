#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "mime/limits.h"
#include "net/stream.h"

namespace mta::smtpc {

// Turns content with LF line ends into what follows DATA: CRLF ends, dots doubled at the start of lines (RFC 5321 section
// 4.5.2), lines over the limit folded (section 4.5.3.1.6), an end for the last line. A CR that is no part of a line end becomes
// a space: other servers may take it for one, and see another message than we do (section 2.3.8). Without the final dot.
class Encoder {
public:
    explicit Encoder(std::size_t line_limit) : line_limit_(line_limit == 1 ? 2 : line_limit) {}  // 0: none; a folded line begins with a space
    void add(std::string_view bytes, std::string& out);
    void finish(std::string& out);

private:
    void add_text(std::string_view text, std::string& out);
    void end_line(std::string& out);
    std::size_t line_limit_;
    std::size_t column_ = 0;
    bool after_cr_ = false;
};

// Sends size bytes of the descriptor from offset. Throws net::Lost when the peer is gone, std::system_error when the
// message cannot be read: then the final dot must not be sent. Tells of every piece that was sent.
void send_content(int message, std::uint64_t offset, std::uint64_t size, std::size_t line_limit, net::Stream& stream,
                  const std::function<void()>& progress);

// The same for a server without 8BITMIME; the message is read as a whole (smtp/downgrade.h).
void send_downgraded(int message, std::uint64_t offset, std::uint64_t size, std::size_t line_limit, const mime::Limits& limits, net::Stream& stream,
                     const std::function<void()>& progress);

}  // namespace mta::smtpc
