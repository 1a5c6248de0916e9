#pragma once

#include <string_view>

namespace mta::fuzz {

// One JSON value (RFC 8259) at the start of the text, which is left behind it; text that is none fails the target.
void take_json(std::string_view& text, int depth = 0);

}  // namespace mta::fuzz
