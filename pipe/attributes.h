#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace mta::pipe {

// What the service's line in master.cf says behind the name of the program.
struct Attributes {
    std::string user, group;       // group empty: the user's
    std::string directory;         // empty: queue_directory
    std::string null_sender = "MAILER-DAEMON";
    std::string eol = "\n";
    long size_limit = 0;           // in bytes; 0: none
    std::vector<std::string> argv; // templates with macros

    // flags=
    bool ends_with_blank_line = false;   // B
    bool has_delivered_to = false;       // D
    bool has_from_line = false;          // F
    bool has_original_to = false;        // O
    bool has_return_path = false;        // R
    bool is_final = false;               // X
    bool folds_domain = false;           // h
    bool quotes_local_part = false;      // q
    bool folds_local_part = false;       // u
    bool doubles_dots = false;           // .
    bool quotes_from = false;            // >
};

// An Error names the wrong attribute and the nearest right one.
Result<Attributes> parse_attributes(const std::vector<std::string>& words);

}  // namespace mta::pipe
