#include "config/limit.h"

#include "base/text.h"

namespace mta::config::detail {

void parse_limit(const Base& base, Limit& value)
{
    auto text = trim(base.text);
    auto number = parse_number<long>(text);
    if (!iequals(text, "none") && (!number || *number < 1))
        bad_value(base, "bad limit, must be a number from 1 on, or none");
    value = number ? Limit(static_cast<std::uint64_t>(*number)) : Limit();
}

void parse_limit(const Base& base, TimeLimit& value)
{
    auto text = trim(base.text);
    auto time = parse_time(text);
    if (!iequals(text, "none") && (!time || *time < std::chrono::seconds(1)))
        bad_value(base, "bad time limit, must be a time from 1s on, or none");
    value = time ? TimeLimit(std::chrono::duration_cast<std::chrono::seconds>(*time)) : TimeLimit();
}

}  // namespace mta::config::detail
