#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mta::auth {

// RFC 4013: makes the many ways to write a user name or password in Unicode one. Nothing if the text must not be used
// (no UTF-8, control characters, mixed writing directions are not checked); ASCII stays as it is.
std::optional<std::string> saslprep(std::string_view text);

// The password as it is compared and hashed: prepared if that works, else the bytes as they came.
std::string prepare_password(std::string_view password);

}  // namespace mta::auth
