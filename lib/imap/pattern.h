#pragma once

#include <string_view>

namespace mta::imap {

// RFC 3501 section 6.3.8: "*" is anything, "%" anything without the hierarchy separator. INBOX matches in any case.
// Costs at most the product of both lengths.
bool matches(std::string_view pattern, std::string_view name, char separator);

}  // namespace mta::imap
