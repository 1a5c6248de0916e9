#include "config/lines.h"

#include <algorithm>

#include "base/text.h"

namespace mta::config {

namespace {

bool is_comment_or_empty(std::string_view line)
{
    auto start = std::find_if_not(line.begin(), line.end(), [](char c) { return is_space(c); });
    return start == line.end() || *start == '#';
}

}  // namespace

Result<std::vector<LogicalLine>> logical_lines(std::string_view text, const std::string& file)
{
    std::vector<LogicalLine> lines;
    if (auto nul = text.find('\0'); nul != std::string_view::npos)
        return failure(cat(file, ", line ", 1 + std::count(text.begin(), text.begin() + static_cast<long>(nul), '\n'),
                           ": the line contains a NUL character"));
    int number = 0;
    for (auto line : split(text, '\n')) {
        ++number;
        if (is_comment_or_empty(line))
            continue;
        if (!is_space(line.front()))
            lines.push_back({std::string(line), number});
        else if (lines.empty())
            return failure(cat(file, ", line ", number, ": logical line must not start with whitespace: \"", line, "\""));
        else
            lines.back().text += line;
    }
    return lines;
}

Result<std::pair<std::string, std::string>> split_name_value(std::string_view line)
{
    auto text = trim(line);
    auto end = std::find_if(text.begin(), text.end(), [](char c) { return c == '=' || is_space(c); });
    std::string_view name(text.begin(), end);
    auto rest = trim(text.substr(name.size()));
    if (name.empty())
        return failure(cat("missing attribute name: \"", line, "\""));
    if (!rest.starts_with('='))
        return failure(cat("missing '=' after attribute name: \"", line, "\""));
    return std::pair{std::string(name), std::string(trim(rest.substr(1)))};
}

bool is_name(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}

Result<std::vector<std::string>> split_braced(std::string_view text, std::string_view separators)
{
    std::vector<std::string> words;
    std::string word;
    int depth = 0;
    for (char c : text) {
        depth += c == '{' ? 1 : c == '}' && depth > 0 ? -1 : 0;
        if (depth > 0 || separators.find(c) == std::string_view::npos)
            word += c;
        else if (!word.empty())
            words.push_back(std::exchange(word, {}));
    }
    if (depth > 0)
        return failure(cat("missing '}' in \"", text, "\""));
    if (!word.empty())
        words.push_back(std::move(word));
    return words;
}

Result<std::string> strip_braces(std::string_view text)
{
    if (!text.starts_with('{'))
        return std::string(text);
    int depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
        if (depth > 0)
            continue;
        if (!trim(text.substr(at + 1)).empty())
            return failure(cat("syntax error after '}' in \"", text, "\""));
        return std::string(trim(text.substr(1, at - 1)));
    }
    return failure(cat("missing '}' in \"", text, "\""));
}

}  // namespace mta::config
