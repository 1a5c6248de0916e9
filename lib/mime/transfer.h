#pragma once

#include <string>
#include <string_view>

// RFC 2045 section 6. Decoders take what broken programs write and always give what can be had.
namespace mta::mime {

enum class Encoding { identity, base64, quoted_printable };

// 7bit, 8bit, binary and unknown ones are identity.
Encoding parse_encoding(std::string_view field_value);

std::string decode(std::string_view bytes, Encoding encoding);
std::string decode_base64(std::string_view text);            // skips what is not of the alphabet; ends at padding
std::string decode_quoted_printable(std::string_view text);  // "=" that is no code stays

// Lines of at most 76 characters, with LF ends where the text has some; a CR is encoded.
std::string encode_quoted_printable(std::string_view text);

}  // namespace mta::mime
