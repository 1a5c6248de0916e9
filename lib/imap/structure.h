#pragma once

#include <string>
#include <string_view>

#include "mime/limits.h"
#include "mime/structure.h"

namespace mta::imap {

// RFC 3501 section 7.4.2. The header in CRLF form.
std::string envelope(std::string_view header, const mime::Limits& limits = {});

// BODYSTRUCTURE, or BODY without the extension data, of a message in CRLF form.
std::string body_structure(std::string_view message, const mime::Part& root, bool is_extended, const mime::Limits& limits = {});

}  // namespace mta::imap
