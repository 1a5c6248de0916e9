#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The text behind tables: logical lines, "key value" entries, brace lists; shared by the types and the builder.
namespace mta::table {

using Warn = std::function<void(const std::string&)>;

// Logs it.
void log_warning(const std::string& text);

struct Line {
    int number;  // of its first physical line
    std::string text;
};

// Comments and empty lines are gone, lines that begin with white space are joined to the one before.
std::vector<Line> logical_lines(std::string_view content, std::string_view file, const Warn& warn);

struct Entry {
    std::string key, value;
    int line;
};

// "key whitespace value"; white space inside of double quotes belongs to the key, and the quotes do, too. Nothing and a warning
// if it is something else; suffix ends that warning.
std::optional<Entry> parse_entry(const Line& line, std::string_view file, const Warn& warn, std::string_view suffix = "",
                                 bool check_utf8 = true);

// Lower case as Postfix stores and asks for keys: Unicode's case folding if the text is UTF-8, else ASCII's.
std::string fold(std::string_view key);

// The elements between commas and white space; braces keep their content, and themselves, together.
std::vector<std::string> split_braced(std::string_view text);

// The text inside "{ ... }", trimmed, or an Error in the words of Postfix: no '{', missing '}', text after '}'.
Result<std::string> inside_braces(std::string_view text);

// Remembers which file it was, to see whether its name now stands for another one.
class FileMark {
public:
    FileMark() = default;
    FileMark(std::string path, const struct stat& status);
    bool has_changed() const;
    uid_t owner() const { return owner_; }

private:
    std::string path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    timespec modified_{};
    off_t size_ = 0;
    uid_t owner_ = 0;
};

// A table's source text and where it came from.
struct Source {
    std::string content;
    std::optional<FileMark> mark;  // nothing: written in main.cf
    struct stat status {};
};

// The file; the error text is "open FILE: reason", with what put in between ("open database ").
Result<Source> read_source(const std::string& path, std::string_view what = "open ");
// The file, or the rules of "{ { rule }, { rule } }", one a line.
Result<Source> read_rules(std::string_view name, std::string_view map_type);

}  // namespace mta::table
