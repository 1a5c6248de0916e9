#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mime/limits.h"

namespace mta::mime {

// One entry of an address list. A group is the run of entries between its start, which has only a name, and its end.
struct Address {
    enum class Kind { mailbox, group_start, group_end };

    Kind kind = Kind::mailbox;
    std::string name;        // display name, or else a comment; without quoting, RFC 2047 words as they are
    std::string route;       // RFC 5322 section 4.4: "@a,@b"
    std::string local_part;  // without quoting
    std::string domain;      // empty if there is none

    // "local@domain", the local part quoted where it must be.
    std::string text() const;
};

// RFC 5322 section 3.4 and 4.4. Takes what there is of broken lists: every address is one entry, nothing is
// refused. Entries beyond the limit are left out.
std::vector<Address> parse_addresses(std::string_view value, std::size_t limit = Limits().addresses);

}  // namespace mta::mime
