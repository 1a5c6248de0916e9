#include "mime/content.h"

#include <algorithm>

#include "base/text.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/lexer.h"
#include "mime/words.h"

namespace mta::mime {

namespace {

// RFC 2045 section 5.1, and 8-bit characters.
bool is_token(std::string_view text)
{
    return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
        return (c >= 0 && c <= 32) || c == 127 || std::string_view("()<>@,;:\\\"/[]?=").find(c) != std::string_view::npos;
    });
}

// The value of a parameter; one without quotes goes to the semicolon, white space and all.
std::string parameter_value(Lexer& lexer)
{
    lexer.skip_space_and_comments();
    if (lexer.peek() == '"')
        return lexer.quoted_string();
    return unfold(trim(lexer.until(";(")));
}

std::optional<Parameter> next_parameter(Lexer& lexer)
{
    lexer.skip_space_and_comments();
    auto name = trim(lexer.until("=;("));
    lexer.skip_space_and_comments();
    std::optional<Parameter> found;
    if (lexer.take('='))
        found = Parameter{std::string(name), parameter_value(lexer)};
    while (!lexer.at_end() && lexer.peek() != ';') {  // what stands behind it
        if (lexer.peek() == '(')
            lexer.comment();
        else if (lexer.peek() == '"')
            lexer.quoted_string();
        else
            lexer.skip();
    }
    lexer.take(';');
    if (found && !is_token(found->name))
        found.reset();
    return found;
}

// "name*3*": the base, the number, whether it is encoded.
struct SplitName {
    std::string_view base;
    std::optional<unsigned> number;
    bool is_encoded = false;
};

SplitName split_name(std::string_view name)
{
    SplitName result;
    if (name.ends_with('*')) {
        result.is_encoded = true;
        name.remove_suffix(1);
    }
    auto star = name.rfind('*');
    if (star != std::string_view::npos)
        result.number = parse_number<unsigned>(name.substr(star + 1));
    result.base = result.number ? name.substr(0, star) : name;
    return result;
}

// RFC 2231 section 7: what an extended value may hold without encoding.
void append_percent_encoded(std::string& out, std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (char c : text) {
        if (c > 32 && c < 127 && std::string_view("*'%()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos) {
            out.push_back(c);
            continue;
        }
        auto byte = static_cast<unsigned char>(c);
        out.push_back('%');
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 15]);
    }
}

std::string percent_decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::optional<unsigned> value;
        if (text[i] == '%' && i + 2 < text.size())
            value = parse_number<unsigned>(text.substr(i + 1, 2), 16);
        out.push_back(value ? static_cast<char>(*value) : text[i]);
        i += value ? 2 : 0;
    }
    return out;
}

const Parameter* piece(const Parameters& parameters, std::string_view base, unsigned number)
{
    for (const auto& candidate : parameters) {
        auto split = split_name(candidate.name);
        if (split.number == number && iequals(split.base, base))
            return &candidate;
    }
    return nullptr;
}

Parameter joined(const Parameters& parameters, std::string_view base)
{
    std::string value;
    bool is_encoded = false;
    for (unsigned number = 0; const auto* next = piece(parameters, base, number); ++number) {
        bool is_piece_encoded = split_name(next->name).is_encoded;
        if (number == 0)
            is_encoded = is_piece_encoded;
        if (is_encoded && !is_piece_encoded)
            append_percent_encoded(value, next->value);
        else
            value += next->value;
    }
    return {cat(base, is_encoded ? "*" : ""), value};
}

// "charset'language'text"
std::string extended_value(std::string_view value)
{
    auto first = value.find('\'');
    auto second = first == std::string_view::npos ? first : value.find('\'', first + 1);
    if (second == std::string_view::npos)
        return guess_utf8(percent_decoded(value));
    auto bytes = percent_decoded(value.substr(second + 1));
    auto converted = to_utf8(bytes, value.substr(0, first));
    return converted ? *converted : guess_utf8(bytes);
}

}  // namespace

ValueWithParameters parse_with_parameters(std::string_view field_value)
{
    ValueWithParameters result;
    Lexer lexer(field_value);
    lexer.skip_space_and_comments();
    while (!lexer.at_end() && lexer.peek() != ';') {
        result.value += lower(trim(lexer.until(";( \t\r\n")));
        lexer.skip_space_and_comments();
    }
    lexer.take(';');
    while (!lexer.at_end() && result.parameters.size() < max_parameters)
        if (auto next = next_parameter(lexer))
            result.parameters.push_back(std::move(*next));
    return result;
}

// Of pieces with one name and number the first counts, so that no text is longer than what it was made of.
Parameters join_continuations(const Parameters& parameters)
{
    Parameters result;
    for (const auto& next : parameters) {
        auto split = split_name(next.name);
        if (!split.number)
            result.push_back(next);
        else if (*split.number == 0 && piece(parameters, split.base, 0) == &next)
            result.push_back(joined(parameters, split.base));
    }
    return result;
}

std::optional<std::string_view> raw_parameter(const Parameters& parameters, std::string_view name)
{
    for (const auto& candidate : parameters)
        if (iequals(candidate.name, name))
            return candidate.value;
    return std::nullopt;
}

std::optional<std::string> parameter(const Parameters& parameters, std::string_view name)
{
    auto whole = join_continuations(parameters);
    if (auto extended = raw_parameter(whole, cat(name, "*")))
        return extended_value(*extended);
    if (auto plain = raw_parameter(whole, name))
        return decode_words(*plain);
    return std::nullopt;
}

std::optional<ContentType> parse_content_type(std::string_view field_value)
{
    auto parsed = parse_with_parameters(field_value);
    auto slash = parsed.value.find('/');
    if (slash == std::string::npos)
        return std::nullopt;
    ContentType result{parsed.value.substr(0, slash), parsed.value.substr(slash + 1), std::move(parsed.parameters)};
    if (!is_token(result.type) || !is_token(result.subtype))
        return std::nullopt;
    return result;
}

}  // namespace mta::mime
