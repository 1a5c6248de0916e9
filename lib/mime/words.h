#pragma once

#include <string>
#include <string_view>

namespace mta::mime {

// RFC 2047: a field value as UTF-8 text: unfolded, encoded words decoded, white space between two of them gone.
// Words with an unknown character set stay as they are; raw 8-bit text is taken as UTF-8 or windows-1252.
std::string decode_words(std::string_view value);

// The whole text, UTF-8 or else taken as windows-1252, as encoded words of UTF-8 with at most 75 characters each.
std::string encode_words(std::string_view text);

}  // namespace mta::mime
