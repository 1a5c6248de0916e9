#pragma once

#include <optional>

#include "table/source.h"

namespace mta::table {

// One logical line of aliases(5), "name: value": the name without quotes, the value as RFC 822 tokens in their normal form, so
// that whoever looks it up can parse it again. Nothing and a warning if it is not of that form or the name is not local.
std::optional<Entry> parse_alias(const Line& line, std::string_view file, const Warn& warn, bool check_utf8 = true);

}  // namespace mta::table
