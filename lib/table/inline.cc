#include "base/text.h"
#include "table/memory.h"

namespace mta::table {

// inline:{ name=value, { name = value with white space } }: the last one counts.
Opened open_inline(const std::string& name, const Options& options)
{
    auto need = cat("\"inline:", name, "\"; need \"inline:{name=value...}\"");
    auto inside = inside_braces(name);
    if (!inside || inside->empty())
        return failure(cat("bad syntax: ", need));
    auto table = std::make_unique<MemoryTable>(options);
    for (const auto& element : split_braced(*inside)) {
        auto assignment = element.front() == '{' ? inside_braces(element) : Result<std::string>(element);
        if (!assignment)
            return failure(cat(assignment.error().text, ": ", need));
        auto equals = assignment->find('=');
        auto key = trim(std::string_view(*assignment).substr(0, equals));
        if (equals == std::string::npos || key.find_first_of(" \t\r\n") != std::string_view::npos)
            return failure(cat("missing '=' after attribute name: ", need));
        if (key.empty())
            return failure(cat("missing attribute name: ", need));
        table->add(key, trim(std::string_view(*assignment).substr(equals + 1)), true);
    }
    return std::unique_ptr<Table>(std::move(table));
}

}  // namespace mta::table
