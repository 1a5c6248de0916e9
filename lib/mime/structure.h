#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mime/content.h"
#include "mime/limits.h"

namespace mta::mime {

// A body part as places in the message's text: header with its empty line, then body. The line end before a boundary
// belongs to the boundary (RFC 2046 section 5.1.1).
struct Part {
    // leaf: opaque; multipart: parts are its parts (at least one); message: the only part is the message inside.
    enum class Kind { leaf, multipart, message };

    Kind kind = Kind::leaf;
    ContentType type;
    std::size_t begin = 0, body = 0, end = 0;  // header [begin, body), body [body, end)
    std::size_t body_lines = 0;
    std::vector<Part> parts;

    std::string_view header_of(std::string_view message) const { return message.substr(begin, body - begin); }
    std::string_view body_of(std::string_view message) const { return message.substr(body, end - body); }
    std::string_view whole_of(std::string_view message) const { return message.substr(begin, end - begin); }
};

// The structure of a message with LF or CRLF line ends, in one pass; any text is a message. What lies beyond the
// limits on depth and number is left together as a leaf of type application/octet-stream; a multipart without a boundary
// parameter is a leaf of type text/plain.
Part parse_structure(std::string_view message, const Limits& limits = {});

}  // namespace mta::mime
