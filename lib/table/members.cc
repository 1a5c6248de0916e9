#include "table/members.h"

#include <algorithm>

#include "base/text.h"

namespace mta::table {

bool MemberTable::is_stale() const
{
    return std::any_of(members_.begin(), members_.end(), [](const auto& member) { return member->is_stale(); });
}

std::optional<uid_t> MemberTable::owner() const
{
    std::optional<uid_t> result = 0;
    for (const auto& member : members_) {
        auto owner = member->owner();
        if (!owner || (*result != 0 && *owner != 0 && owner != result))
            return std::nullopt;
        if (*owner != 0)
            result = owner;
    }
    return result;
}

Result<MemberTable::Members> MemberTable::open_all(std::string_view map_type, const std::string& name, const Options& options)
{
    auto bad_syntax = [&] {
        return failure(cat("bad syntax: \"", map_type, ":", name, "\"; need \"", map_type, ":{type:name...}\""));
    };
    auto inside = inside_braces(name);
    if (!inside)
        return bad_syntax();
    Members members;
    for (const auto& element : split_braced(*inside)) {
        if (element.find(':') == std::string::npos)
            return bad_syntax();
        auto member = open(element, options);
        if (!member)
            return member.error();
        members.push_back(std::move(*member));
    }
    if (members.empty())
        return bad_syntax();
    return members;
}

}  // namespace mta::table
