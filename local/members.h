#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mta::local {

// One member of the right side of an alias, of a .forward or of an :include: file.
struct Member {
    enum class Kind { address, command, file, include };
    Kind kind;
    std::string text;              // without the | or :include: in front, and without quotes around it
    bool is_final = false;         // "\user": no further aliases
};

// aliases(5): members between commas and line ends; quotes keep what is within them together; # begins a comment at the
// start of a line. An Error names a member that is none of the forms.
Result<std::vector<Member>> parse_members(std::string_view text);

}  // namespace mta::local
