#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Header blocks as they stand in a message, with LF or CRLF line ends; everything here is a view into the block.
namespace mta::mime {

// One field of a header block. A line that is no field (no colon, a bad name, a "From " line) has an empty name, so
// that the fields' raw texts together are always the whole block.
struct Field {
    std::string_view name;   // as written, without the white space before the colon
    std::string_view value;  // after the colon; folding kept, the last line end not
    std::string_view raw;    // all of it, with the line end
    std::size_t offset = 0;  // of raw in the block

    bool is(std::string_view wanted) const;
};

// The length of the header block of a message, with its empty line if it has one. A block may start with the empty line.
std::size_t header_size(std::string_view message);

// The fields of a block in order, found one by one:  for (const Field& field : Header(block)) ...
// It ends at the empty line or at the end of the text, so that a whole message may be given, too.
class Header {
public:
    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Field;
        using difference_type = std::ptrdiff_t;
        using pointer = const Field*;
        using reference = const Field&;

        Iterator() = default;
        Iterator(std::string_view block, std::size_t offset) : block_(block), next_(offset) { advance(); }
        const Field& operator*() const { return field_; }
        const Field* operator->() const { return &field_; }
        Iterator& operator++()
        {
            advance();
            return *this;
        }
        bool operator==(const Iterator& other) const { return field_.raw.empty() && other.field_.raw.empty(); }

    private:
        void advance();

        std::string_view block_;
        std::size_t next_ = 0;
        Field field_;
    };

    explicit Header(std::string_view block) : block_(block) {}
    Iterator begin() const { return {block_, 0}; }
    Iterator end() const { return {}; }

    // The first field of this name, whatever the case.
    std::optional<Field> find(std::string_view name) const;
    // Its value, unfolded and without white space at the ends; nothing if there is none.
    std::optional<std::string> value(std::string_view name) const;
    bool has(std::string_view name) const { return find(name).has_value(); }
    std::size_t count(std::string_view name) const;
    // Those of the names that no field has, in the order asked; one pass over the block.
    std::vector<std::string_view> missing(std::span<const std::string_view> names) const;

private:
    std::string_view block_;
};

// RFC 5322 section 2.2.3: removes the line ends of a folded value, keeps the white space after them.
std::string unfold(std::string_view value);

// RFC 5322 section 2.2: printable ASCII without colon and space.
bool is_field_name(std::string_view name);

struct HeaderLimits {
    std::size_t field_bytes = 64ul * 1024;
    std::size_t block_bytes = 512ul * 1024;
    std::size_t fields = 1000;
};

// What of the limits a block breaks (5.3.4, and 5.6.0 for the number of fields); a header is refused as a whole, never cut.
Result<void> check_limits(std::string_view block, const HeaderLimits& limits = {});

}  // namespace mta::mime
