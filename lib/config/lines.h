#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// The line structure that main.cf and master.cf share.
namespace mta::config {

// A line with its continuation lines (those that begin with white space), without comments and empty lines.
struct LogicalLine {
    std::string text;
    int line = 0;  // where it begins, counted from 1
};

// An Error names file and line: a first line that begins with white space, or a NUL.
Result<std::vector<LogicalLine>> logical_lines(std::string_view text, const std::string& file);

// "name = value" taken apart; white space around both is no part of them. The Error's text is without a place.
Result<std::pair<std::string, std::string>> split_name_value(std::string_view line);

// Whether the text can be the name of a parameter that $name can refer to.
bool is_name(std::string_view text);

// The words between any of the separators; none is taken apart inside { }. An Error for a missing brace.
Result<std::vector<std::string>> split_braced(std::string_view text, std::string_view separators);

// What is between the braces of "{ text }", trimmed; the text itself if it does not begin with a brace.
Result<std::string> strip_braces(std::string_view text);

}  // namespace mta::config
