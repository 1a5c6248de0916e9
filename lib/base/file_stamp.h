#pragma once

#include <string>

namespace mta {

// What tells one state of a file from the next, whether it was changed or replaced. Empty, with errno, if there is none.
std::string file_stamp(const std::string& path);

}  // namespace mta
