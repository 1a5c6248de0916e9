#pragma once

#include <array>
#include <string>
#include <string_view>

#include "queue/directory.h"

namespace mta::qmgr {

inline constexpr std::array<std::string_view, 3> dsn_kinds{"success", "failure", "delay"};

// Whether there is something of this kind that the sender has to be told of the recipient, and was not.
bool has_news(const queue::Mail& mail, std::string_view kind, std::size_t recipient);

// The queue ID of the DSN of this kind that the mail needs now, as far as its file tells: the same each time until the mail has
// another outcome for it, or the note that the sender was told. Empty if there is nothing to tell.
std::string dsn_id(const queue::Mail& mail, std::string_view kind);

}  // namespace mta::qmgr
