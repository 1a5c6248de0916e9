#pragma once

#include <optional>
#include <string>
#include <string_view>

// What a server writes: strings in one of the forms that RFC 3501 section 4.3 has. NUL, which none of them may
// contain, becomes 0x80.
namespace mta::imap {

void append_string(std::string& out, std::string_view text);   // quoted if it can be, else a literal
void append_nstring(std::string& out, const std::optional<std::string>& text);
void append_astring(std::string& out, std::string_view text);  // as an atom if it is one

// Header text for clients that do not know of UTF-8: what is beyond ASCII comes as RFC 2047 words.
void append_header_text(std::string& out, std::string_view text);

}  // namespace mta::imap
