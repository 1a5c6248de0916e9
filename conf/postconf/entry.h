#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mta::postconf {

// The names of a master.cf line's columns, as postconf -F takes and shows them.
inline constexpr std::array<std::string_view, 8> field_names{"service", "type",   "private",       "unprivileged",
                                                             "chroot",  "wakeup", "process_limit", "command"};

// One service of master.cf as it is written: the eight columns, then the arguments, "-o" and "name=value" apart.
struct Entry {
    std::array<std::string, field_names.size()> fields;
    std::vector<std::string> arguments;
    int line = 0;

    std::string key() const { return fields[0] + "/" + fields[1]; }
    // The arguments' positions of the values of -o, and how many arguments belong to the daemon's skeleton.
    std::vector<std::size_t> option_values() const;
    std::size_t option_count() const;
    // The -o options as name and value.
    std::vector<std::pair<std::string, std::string>> overrides() const;
    // Command and arguments as one line.
    std::string command_line() const;
};

// An Error has Postfix's text: "bad field count" or "invalid private field "x" in "..."".
Result<Entry> parse_entry(std::string_view text);
// Whether the value can stand in the column; the same Error.
Result<void> check_field(std::size_t field, const std::string& value, std::string_view line);

// Postfix's layout; with fold on several lines of at most 80 characters. No line end at the end.
std::string print_entry(const Entry& entry, bool fold);

// Its command and arguments behind a text, in the same way.
std::string print_command(const Entry& entry, std::string before, bool fold);

// "name" and "value" of "name=value" as they stand after -o: with braces if there is white space.
std::string option_text(std::string_view name, std::string_view value);

}  // namespace mta::postconf
