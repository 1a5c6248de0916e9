#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace mta {

// The whole file, at most max_bytes of it; an Error with the file's name if it cannot be read or is larger.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = 64u << 20);

// All of the bytes at the descriptor's place, or an Error; a short write is continued, EINTR is not an error.
Result<void> write_all(int fd, std::string_view bytes);

// Exactly size bytes from offset; an Error if the file ends before.
Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size);

// fsync of a file or directory; the caller must not use the descriptor again after an Error.
Result<void> sync(int fd, std::string_view what);
Result<void> sync_directory(const std::string& path);

// The path up to its last slash; "." for a name alone.
std::string directory_above(std::string_view path);

// Replaces the file durably: temporary neighbour, fsync, rename, fsync of the directory.
Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode);

// Makes the directory and what is missing above it, durably.
Result<void> make_directories(const std::string& path, unsigned mode);

bool exists(const std::string& path);

}  // namespace mta
