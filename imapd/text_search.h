#pragma once

#include <string_view>

#include "mime/structure.h"

// Substrings of decoded text: transfer encodings, character sets and RFC 2047 words undone, case folded (RFC 3501 section
// 6.4.4). `wanted` is UTF-8 and folded.
namespace mta::imapd {

// In a field's value; an empty text is in every field.
bool field_contains(std::string_view header, std::string_view name, std::string_view wanted);
bool header_contains(std::string_view header, std::string_view wanted);
// In the body: text parts, messages inside, and the headers of parts.
bool body_contains(std::string_view message, const mime::Part& root, std::string_view wanted);

}  // namespace mta::imapd
