#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mta {

// RFC 4648 section 4, with padding, on one line. Decoding takes canonical base64 only; nothing if it is not that.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

std::string hex_encode(std::string_view bytes);  // lower case
std::optional<std::string> hex_decode(std::string_view text);

// RFC 3461 section 4.
std::string xtext_encode(std::string_view text);
std::optional<std::string> xtext_decode(std::string_view text);

}  // namespace mta
