#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "deliver/content.h"

namespace mta::pipe {

// What the service's line in master.cf says behind the name of the program.
struct Attributes : deliver::ContentForm, deliver::LeadingForm {
    std::string user, group;       // group empty: the user's
    std::string directory;         // empty: queue_directory
    long size_limit = 0;           // in bytes; 0: none
    std::vector<std::string> argv; // templates with macros

    // flags= (those for the content are in the bases)
    bool is_final = false;               // X
    bool folds_domain = false;           // h
    bool quotes_local_part = false;      // q
    bool folds_local_part = false;       // u
};

// An Error names the wrong attribute and the nearest right one.
Result<Attributes> parse_attributes(const std::vector<std::string>& words);

}  // namespace mta::pipe
