#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mta {

// What cat() can put together: text, characters and whole numbers; bool is refused on purpose.
inline void append(std::string& out, std::string_view text) { out.append(text); }
inline void append(std::string& out, char c) { out.push_back(c); }
template <class Number>
    requires(std::integral<Number> && !std::same_as<Number, char> && !std::same_as<Number, bool>)
void append(std::string& out, Number number)
{
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

// The arguments as one string.
template <class... Parts>
std::string cat(const Parts&... parts)
{
    std::string out;
    (append(out, parts), ...);
    return out;
}

// ASCII only: locales must not change what a protocol means.
inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
inline bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'; }
std::string lower(std::string_view text);
std::string upper(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);

// Without white space at both ends; the view points into the argument.
std::string_view trim(std::string_view text);

// The pieces between separators, empty ones too; views into the argument.
std::vector<std::string_view> split(std::string_view text, char separator);

// The non-empty pieces between any of the separators; views into the argument.
std::vector<std::string_view> split_words(std::string_view text, std::string_view separators = " \t\r\n");

std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string replace_all(std::string_view text, std::string_view what, std::string_view with);

// The whole of the text as a decimal number; nothing if it is anything else or does not fit.
template <class Number>
std::optional<Number> parse_number(std::string_view text, int base = 10)
{
    Number number{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return number;
}

// Safe in a log line and on a terminal: control characters and broken UTF-8 become '?'.
std::string printable(std::string_view text);
bool is_utf8(std::string_view text);
bool is_ascii(std::string_view text);

}  // namespace mta
