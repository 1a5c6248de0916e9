#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipe/attributes.h"
#include "service/delivery.h"

namespace mta::pipe {

// The lines in front of the message that the flags F, R, O, D ask for.
std::string leading_lines(const service::DeliveryRequest& request, const service::DeliveryRecipient& recipient, const Attributes& attributes,
                          std::string_view date);

// True if the header has a Delivered-To: field with this address: the mail has been here (RFC 9228).
bool was_delivered_to(std::string_view header, std::string_view address);

// The header of a message in a file, as far as it is in the first megabyte.
std::string read_header(int fd, std::uint64_t offset, std::uint64_t size);

// A message piece by piece, as the command wants it: its line ends, quoted dots and From lines, a blank line at the end.
class Content {
public:
    Content(std::string leading, int fd, std::uint64_t offset, std::uint64_t size, const Attributes& attributes);
    std::string next();  // empty at the end

private:
    std::string transformed(std::string_view bytes);

    std::string leading_;
    int fd_;
    std::uint64_t offset_, left_;
    const Attributes& attributes_;
    std::string held_;              // the beginning of a line that may become "From "
    bool at_line_start_ = true;
    bool is_finished_ = false;
};

}  // namespace mta::pipe
