#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mta::smtpd {

// Counts the Received: fields at the top of a message that comes in pieces (RFC 5321 section 6.3).
class HopCounter {
public:
    // Takes bytes of the message, with LF line ends. Costs nothing behind the header.
    void read(std::string_view bytes);
    long hops() const { return hops_; }

private:
    std::string start_;          // of the current line, as much of it as matters
    bool in_header_ = true, decided_ = false;
    long hops_ = 0;
};

}  // namespace mta::smtpd
