#include "table/command.h"

// postalias(1): the same for alias databases, aliases(5).
int main(int argc, char** argv)
{
    constexpr mta::table::CommandDialect dialect{
        "postalias",
        "c:d:fijnNopq:rsuUvw",
        "[-fijnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...",
        "specify only one of -s or -q or -d",
        ":\t",
        mta::table::Syntax::aliases,
    };
    return mta::table::run_command(dialect, argc, argv);
}
