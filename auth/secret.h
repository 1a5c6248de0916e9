#pragma once

#include <string>

namespace mta::auth {

// Random bytes that stay the same over restarts: the file's, which is made if it is missing. If it cannot be, there are
// new ones each time: whoever compares SCRAM salts before and after a restart then sees which users exist.
std::string lasting_secret(const std::string& path);

}  // namespace mta::auth
