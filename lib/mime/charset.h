#pragma once

#include <optional>
#include <string>
#include <string_view>

// Conversion to UTF-8 by iconv(3), for the character sets that mail uses and no others (an allow-list: a message
// must not choose which of the C library's modules runs).
namespace mta::mime {

// The text in UTF-8, with U+FFFD for what cannot be converted; nothing if the character set is not on the list.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);
bool is_known_charset(std::string_view charset);

// For text without a declaration, or with a wrong one: UTF-8 if it is that, else taken as windows-1252.
std::string guess_utf8(std::string_view bytes);

// Opens all converters now. For programs that cannot read iconv's modules later, in their sandbox.
void preload_charsets();

// For comparing without regard to case (RFC 5255's i;unicode-casemap): folded, and composed where that makes a difference.
std::string fold_case(std::string_view utf8);

}  // namespace mta::mime
