#pragma once

#include <optional>

#include <sys/types.h>

namespace mta::ipc {

// Who has connected to a Unix socket; nothing if the kernel does not say.
std::optional<uid_t> user_of(int socket);

}  // namespace mta::ipc
