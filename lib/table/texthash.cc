#include "base/text.h"
#include "table/memory.h"

namespace mta::table {

// texthash: the text of a hash: table, read into memory when it is opened.
Opened open_texthash(const std::string& name, const Options& options)
{
    auto source = read_source(name, "open database ");
    if (!source)
        return source.error();
    auto table = std::make_unique<MemoryTable>(options);
    table->set_mark(*source->mark);
    for (const auto& line : logical_lines(source->content, name, log_warning)) {
        auto entry = parse_entry(line, name, log_warning, " -- ignoring this line");
        if (entry && !table->add(entry->key, entry->value, false))
            log_warning(cat(name, ", line ", line.number, ": duplicate entry: \"", entry->key, "\""));
    }
    return std::unique_ptr<Table>(std::move(table));
}

}  // namespace mta::table
