#include "table/table.h"

#include <algorithm>

#include "base/text.h"
#include "config/config.h"
#include "table/types.h"

namespace mta::table {

namespace {

struct Type {
    std::string_view name;
    Opened (*open)(const std::string& name, const Options& options);
};

// All types there are, sorted. A new one is a file and a line here.
constexpr Type all_types[] = {
    {"btree", open_btree},       {"cidr", open_cidr},         {"fail", open_fail},     {"hash", open_hash},
    {"inline", open_inline},     {"pcre", open_pcre},         {"pipemap", open_pipemap}, {"regexp", open_regexp},
    {"static", open_static},     {"texthash", open_texthash}, {"unionmap", open_unionmap}, {"unix", open_unix},
};

}  // namespace

std::vector<std::string> types()
{
    std::vector<std::string> names;
    for (const auto& type : all_types)
        names.emplace_back(type.name);
    return names;
}

TypeName split_type(std::string_view type_name, const Options& options)
{
    auto colon = type_name.find(':');
    if (colon == std::string_view::npos || type_name.front() == '/')
        return {options.default_type, std::string(type_name)};
    return {std::string(type_name.substr(0, colon)), std::string(type_name.substr(colon + 1))};
}

Error unsupported(std::string_view type)
{
    auto near = config::nearest(type, types());
    return failure(cat("unsupported dictionary type: ", type, " (there are: ", join(types(), " "), ")", near ? cat("; did you mean ", *near, "?") : ""));
}

Result<std::unique_ptr<Table>> open(std::string_view type_name, const Options& options)
{
    const auto wanted = split_type(type_name, options);
    const auto& type = wanted.type;
    const auto& name = wanted.name;
    if (type.empty() || name.empty())
        return failure(cat("open dictionary: expecting \"type:name\" form instead of \"", type_name, "\""));
    auto known = std::find_if(std::begin(all_types), std::end(all_types), [&](const Type& t) { return t.name == type; });
    if (known == std::end(all_types))
        return unsupported(type);
    auto table = known->open(name, options);
    if (!table && options.may_be_missing)
        table = unavailable(cat(type, ":", name), options, table.error());
    if (table)
        (*table)->name_ = cat(type, ":", name);
    return table;
}

}  // namespace mta::table
