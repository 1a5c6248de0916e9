#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mta::maildir {

// The name as it is stored and compared: INBOX in capitals, no separator at the end. An Error (bad_name) for what
// cannot be a directory of a Maildir++: empty parts, '/', control or 8-bit characters, wildcards, too long.
Result<std::string> normal_name(std::string_view name);

// "" for INBOX, ".A.B" for others; the name is a normal one.
std::string directory_of(std::string_view name);
// The other way; nothing if the entry of the root is not a folder's.
std::optional<std::string> folder_of(std::string_view entry);

// "A" and "A.B" of "A.B.C".
std::vector<std::string> parents_of(std::string_view name);

// RFC 6154 from the usual names: "\\Sent" for Sent, Sent Messages and the like; "" for others.
std::string usual_special_use(std::string_view name);

}  // namespace mta::maildir
