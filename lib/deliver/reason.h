#pragma once

#include <string>
#include <string_view>

namespace mta::deliver {

// "5.7.1 We do not like you": an enhanced status and the text behind it.
struct Reason {
    std::string status, text;
};

// The status (RFC 3463) at the start of the text, if it is of this class ('2', '4', '5', or '*' for any); else the given one.
Reason split_reason(std::string_view text, char status_class, std::string_view default_status);

// The length of the enhanced status at the start of the text; 0 if there is none. It ends at a space or with the text.
std::size_t status_length(std::string_view text);

}  // namespace mta::deliver
