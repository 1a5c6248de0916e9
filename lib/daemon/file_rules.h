#pragma once

#include <string>

#include "sandbox/rules.h"

namespace mta::daemon {

// To read a file again that was replaced: its directory. Nothing for an empty name.
void add_file(sandbox::Rules& rules, const std::string& path);

}  // namespace mta::daemon
