#pragma once

#include <string_view>

#include "table/build.h"

namespace mta::table {

// How postmap and postalias differ.
struct CommandDialect {
    std::string_view program;
    const char* letters;      // options, as getopt(3) wants them
    std::string_view usage;   // behind the program's name
    std::string_view only_one;
    std::string_view separator;  // between key and value where both are printed
    Syntax syntax;
};

// The whole command, with standard input and output; the exit status. Fatal errors end the process, with status 1.
int run_command(const CommandDialect& dialect, int argc, char** argv);

}  // namespace mta::table
