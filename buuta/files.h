#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace mta::buuta {

// Configuration files and programs that somebody else than their owner could change, or that belong to somebody
// whom root must not trust: a sentence for each.
std::vector<std::string> unsafe_files(const std::string& config_directory, const std::string& daemon_directory);

// Takes away what unsafe_files() finds; gives the files to root if we are root.
Result<void> repair_files(const std::string& config_directory, const std::string& daemon_directory);

}  // namespace mta::buuta
