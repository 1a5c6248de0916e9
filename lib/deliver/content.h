#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "service/delivery.h"

// The message as a delivery agent hands it on: lines in front of it, and the form of its own lines.
namespace mta::deliver {

struct ContentForm {
    std::string eol = "\n";
    bool ends_with_blank_line = false;
    bool doubles_dots = false;     // RFC 5321 section 4.5.2
    bool quotes_from = false;      // ">From ", for mbox files
};

struct LeadingForm {
    std::string null_sender = "MAILER-DAEMON";  // for a null reverse-path
    bool has_from_line = false;
    bool has_return_path = false;
    bool has_original_to = false;
    bool has_delivered_to = false;
};

// The lines in front of the message; date is for the From line, as date_now() gives it.
std::string leading_lines(const service::DeliveryRequest& request, const service::DeliveryRecipient& recipient, const LeadingForm& form,
                          std::string_view date, std::string_view eol = "\n");

// "Tue Mar  3 10:15:42 2026", local time.
std::string date_now();

// True if the header has a Delivered-To: field with this address: the mail has been here (RFC 9228).
bool was_delivered_to(std::string_view header, std::string_view address);

// The header of a message in a file, as far as it is in the first megabyte.
std::string read_header(int fd, std::uint64_t offset, std::uint64_t size);

// RFC 5321 section 4.1.2: the address with its local part quoted if it is no dot-string.
std::string quoted(std::string_view address);

// A message piece by piece.
class Content {
public:
    Content(std::string leading, int fd, std::uint64_t offset, std::uint64_t size, const ContentForm& form);
    std::string next();  // empty at the end; throws if the file cannot be read

private:
    std::string transformed(std::string_view bytes);

    std::string leading_;
    int fd_;
    std::uint64_t offset_, left_;
    const ContentForm& form_;
    std::string held_;              // the beginning of a line that may become "From "
    bool at_line_start_ = true;
    bool is_finished_ = false;
};

}  // namespace mta::deliver
