#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "imap/parser.h"

namespace mta::imap {

// One search key (RFC 3501 section 6.4.4), a tree. Texts are in UTF-8.
struct SearchKey {
    enum class Kind {
        all, sequence, uids, flag, keyword, recent,
        before, on, since,                 // internal date
        sent_before, sent_on, sent_since,  // Date field
        larger, smaller, header, body, text,
        not_, or_, and_,                   // of the keys inside
    };

    Kind kind = Kind::all;
    std::uint8_t flag = 0;    // of SystemFlag
    std::string name, value;  // the field's name; what to look for, or the keyword
    std::uint32_t number = 0; // of octets
    std::int64_t day = 0;     // since 1970
    SequenceSet set;
    std::vector<SearchKey> keys;
};

struct Search {
    SearchKey key;
    bool has_unknown_charset = false;  // answered by NO [BADCHARSET]
};

constexpr std::size_t max_search_keys = 10000;

Search parse_search(Parser& parser);

}  // namespace mta::imap
