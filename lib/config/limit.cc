#include "config/limit.h"

#include "base/text.h"

namespace mta::config::detail {

Limit parse_limit(const Base& base)
{
    auto text = trim(base.text);
    auto number = parse_number<long>(text);
    if (!iequals(text, "none") && (!number || *number < 1))
        bad_value(base, "bad limit, must be a number from 1 on, or none");
    return number ? Limit(static_cast<std::uint64_t>(*number)) : Limit();
}

}  // namespace mta::config::detail
