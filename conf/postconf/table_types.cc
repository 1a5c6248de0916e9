#include <cstdio>

#include "conf/postconf/options.h"
#include "table/table.h"

namespace mta::postconf {

void show_table_types()
{
    for (const auto& type : table::types())
        std::puts(type.c_str());
}

}  // namespace mta::postconf
