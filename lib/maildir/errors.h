#pragma once

#include <string_view>

#include "base/result.h"

namespace mta::maildir {

// "what: strerror(errno)" with the status that mailbox.h promises for it; call it before anything can change errno.
Error io_error(std::string_view what);

// Whether something could not be written for want of space or quota, or because nothing can be written there.
bool lacks_room(const Error& error);

// Writes all of it at the descriptor's place; io_error() else.
Result<void> put(int fd, std::string_view bytes, std::string_view what);

// fsync (or fdatasync); io_error() else.
Result<void> make_durable(int fd, std::string_view what);
Result<void> make_directory_durable(const std::string& path);

}  // namespace mta::maildir
