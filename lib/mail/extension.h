#pragma once

#include <string_view>

namespace mta::mail {

// A local part taken apart at its recipient delimiter.
struct Split {
    std::string_view user;
    std::string_view extension;  // without the delimiter; empty if there is none
    char delimiter = '\0';       // the one that was found, or NUL

    bool has_extension() const { return delimiter != '\0'; }
};

// The delimiters are a set of characters, the first one of any of them counts (recipient_delimiter). Names that mail
// systems need as they are stay whole: mailer-daemon, double-bounce, and, when '-' is a delimiter,
// owner-list and list-request. The views point into the argument.
Split split_extension(std::string_view local_part, std::string_view delimiters);

}  // namespace mta::mail
