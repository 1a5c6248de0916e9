#pragma once

#include <string>

#include "base/result.h"
#include "deliver/content.h"

namespace mta::local {

// Appends to a file in mbox form, locked against other programs (fcntl, then file.lock); after an Error the file is as it was.
// /dev/null takes everything. Other special files, links and hard links are refused.
Result<void> append_to_mbox(const std::string& path, deliver::Content& content);

}  // namespace mta::local
