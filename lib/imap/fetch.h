#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imap/parser.h"
#include "mime/structure.h"

namespace mta::imap {

// What stands in the brackets of BODY[...].
struct Section {
    enum class What { all, header, fields, fields_not, text, mime };

    std::vector<std::uint32_t> path;  // part numbers
    What what = What::all;
    std::vector<std::string> fields;  // in lower case, sorted

    bool needs_only_header() const { return path.empty() && what != What::all && what != What::text; }
};

struct FetchItem {
    enum class Kind { envelope, flags, internal_date, size, uid, body, body_structure, section };
    struct Partial {
        std::uint32_t offset = 0, count = 0;
    };

    Kind kind = Kind::flags;
    std::string label;  // what names it in the response
    Section section;
    bool sets_seen = false;  // not BODY.PEEK[...]
    std::optional<Partial> partial;
};

constexpr std::size_t max_fetch_items = 200;

// RFC 3501 section 6.4.5: one item, a list or a macro. Items that are asked for twice are answered once.
std::vector<FetchItem> parse_fetch_items(Parser& parser);

// The bytes of a section of a message in CRLF form; nothing if the message has no such part.
std::optional<std::string> read_section(std::string_view message, const mime::Part& root, const Section& section);
// For sections without part numbers: the structure need not be known.
std::string read_header_section(std::string_view header, const Section& section);

// The part with these numbers (RFC 3501 section 6.4.5); null if there is none.
const mime::Part* find_part(const mime::Part& root, const std::vector<std::uint32_t>& path);

}  // namespace mta::imap
