#pragma once

#include <optional>
#include <string>
#include <string_view>

// RFC 3501 section 5.1.3: mailbox names in modified UTF-7.
namespace mta::imap {

// UTF-8 of a name; nothing unless it is in the one canonical form, so that a name can be written in one way only.
std::optional<std::string> decode_utf7(std::string_view name);

// Nothing if the text is not UTF-8.
std::optional<std::string> encode_utf7(std::string_view utf8);

}  // namespace mta::imap
