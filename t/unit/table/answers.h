#pragma once

#include <ostream>
#include <string>

#include "table/table.h"

namespace mta::table {

// An answer as one text: the value, "-" for not there, "?" and the reason for cannot tell.
inline std::string text(const Found& found)
{
    if (!found)
        return "?" + found.error().text;
    return *found ? **found : "-";
}

inline std::string ask(const std::string& type_name, std::string_view key, const Options& options = {})
{
    auto table = open(type_name, options);
    return table ? text((*table)->find(key)) : "!" + table.error().text;
}

}  // namespace mta::table
