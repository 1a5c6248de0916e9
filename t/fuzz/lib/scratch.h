#pragma once

#include <string>
#include <string_view>

#include "queue/directory.h"

namespace mta::fuzz {

// A directory for as long as the process lives, in memory where there is such a place.
const std::string& scratch_directory();

// The name of a directory below it that does not exist: what was there is removed.
std::string fresh_directory(const std::string& name);

void write_file(const std::string& path, std::string_view content);

// A Maildir++ with a few messages in INBOX and in a folder, the same each time.
std::string fresh_maildir();

// A queue below it, the same for as long as the process lives.
queue::Directory& queue_directory();

// An anonymous file with this content; the same descriptor each time, at its begin.
int memory_file(std::string_view content);

}  // namespace mta::fuzz
