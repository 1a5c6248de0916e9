#pragma once

#include <string_view>

namespace mta::imap {

// What imapd can do for a client that has logged in. Before that front adds its own: STARTTLS, AUTH=..., LOGINDISABLED.
inline constexpr std::string_view capabilities =
    "IMAP4rev1 LITERAL+ SASL-IR ENABLE ID IDLE NAMESPACE CHILDREN UIDPLUS MULTIAPPEND UNSELECT MOVE SPECIAL-USE CREATE-SPECIAL-USE";

}  // namespace mta::imap
