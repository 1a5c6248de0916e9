#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mta::postconf {

// A main.cf or master.cf with everything that is no setting kept as it is: comments, empty lines, layout.
class Document {
public:
    explicit Document(std::string_view text);

    struct Logical {
        std::string text;  // with its continuation lines, without comments between them
        int line = 0;
    };
    const std::vector<Logical>& entries() const { return entries_; }

    // A new entry takes the place of the first line of the old one, or, with at_end, of its last one: that is how
    // Postfix moves a comment in between. The text has no line end.
    void replace(std::size_t entry, std::string_view text, bool at_end);
    void remove(std::size_t entry);
    void comment_out(std::size_t entry);
    void append(std::string_view text);

    std::string text() const;

private:
    static constexpr std::size_t no_entry = static_cast<std::size_t>(-1);
    struct Physical {
        std::string text;  // with its line end
        std::size_t entry = no_entry;
    };
    std::vector<Physical> lines_;
    std::vector<Logical> entries_;
};

// Reads the file, lets the change be made, and puts the result in its place; the owner, the mode and, if it is a
// symbolic link, the name stay. Only one of these can be at work in a directory at a time.
Result<void> edit_file(const std::string& path, const std::function<Result<void>(Document&)>& change);

}  // namespace mta::postconf
