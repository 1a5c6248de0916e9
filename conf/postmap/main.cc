#include "table/command.h"

// postmap(1): makes, changes and asks lookup tables.
int main(int argc, char** argv)
{
    constexpr mta::table::CommandDialect dialect{
        "postmap",
        "bc:d:fFhijmnNopq:rsuUvw",
        "[-bfFhijmnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...",
        "specify only one of -s -q or -d",
        "\t",
        mta::table::Syntax::table,
    };
    return mta::table::run_command(dialect, argc, argv);
}
