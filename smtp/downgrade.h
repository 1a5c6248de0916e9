#pragma once

#include <string>
#include <string_view>

#include "mime/limits.h"

namespace mta::smtpc {

// The message for a server without 8BITMIME: what the header of a body part says to be 8bit or binary becomes quoted-printable
// (RFC 2045), and multiparts and messages of such parts 7bit. Everything else stays as it is, byte for byte; so do parts
// that are over the limits, with the part that they are in.
std::string downgraded(std::string_view message, const mime::Limits& limits = {});

}  // namespace mta::smtpc
