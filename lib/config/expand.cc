#include "config/expand.h"

#include <algorithm>
#include <array>
#include <compare>

#include "base/text.h"
#include "config/lines.h"

namespace mta::config {

namespace {

constexpr std::size_t max_nesting = 100;
constexpr std::size_t max_bytes = 1 << 20;  // $a$a of $b$b of $c$c... doubles with each step,
constexpr std::size_t max_references = 100'000;  // also if all of them are empty

// "...what was read>>>what comes then"
Error expected(std::string_view what, std::string_view body, std::string_view rest)
{
    return failure(cat(what, " at: \"...", body.substr(0, body.size() - rest.size()), ">>>", rest, "\""));
}

std::string_view skip_space(std::string_view text)
{
    auto start = std::find_if_not(text.begin(), text.end(), [](char c) { return is_space(c); });
    return {start, text.end()};
}

// How long the bracketed text is that begins here, brackets included; npos if it does not end.
std::size_t bracketed(std::string_view text, char open, char close)
{
    int depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        depth += text[at] == open ? 1 : text[at] == close ? -1 : 0;
        if (depth == 0)
            return at + 1;
    }
    return std::string_view::npos;
}

// Takes "{text}" from the front of rest; nothing if there is none.
std::optional<std::string_view> take_braced(std::string_view& rest)
{
    auto text = skip_space(rest);
    if (!text.starts_with('{'))
        return std::nullopt;
    auto size = bracketed(text, '{', '}');
    if (size == std::string_view::npos)
        return std::nullopt;
    rest = text.substr(size);
    return text.substr(1, size - 2);
}

// The name at the front of the text.
std::string_view leading_name(std::string_view text)
{
    return {text.begin(), std::find_if_not(text.begin(), text.end(), [](char c) { return is_name({&c, 1}); })};
}

// Takes "$name", "${...}" or "$(...)" from the front of rest and returns what it contains; nothing if it does not end.
std::optional<std::string_view> take_reference(std::string_view& rest)
{
    auto text = rest.substr(1);
    if (!text.starts_with('{') && !text.starts_with('(')) {
        auto name = leading_name(text);
        rest = text.substr(name.size());
        return name;
    }
    auto size = bracketed(text, text[0], text[0] == '{' ? '}' : ')');
    if (size == std::string_view::npos)
        return std::nullopt;
    rest = text.substr(size);
    return text.substr(1, size - 2);
}

bool is_number(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// Numbers of any length as numbers, everything else as text.
int compare_values(std::string_view a, std::string_view b)
{
    if (is_number(a) && is_number(b)) {
        a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
        b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
        if (a.size() != b.size())
            return a.size() < b.size() ? -1 : 1;
    }
    auto order = a <=> b;
    return order < 0 ? -1 : order > 0 ? 1 : 0;
}

// The longer ones first: "<=level" begins with "<=".
constexpr std::array<std::string_view, 12> operators{"==level", "!=level", "<=level", ">=level", "<level", ">level",
                                                     "==",      "!=",      "<=",      ">=",      "<",      ">"};

bool holds(std::string_view op, int order)
{
    switch (op.front()) {
    case '=': return order == 0;
    case '!': return order != 0;
    case '<': return order < 0 || (order == 0 && op.substr(1, 1) == "=");
    default: return order > 0 || (order == 0 && op.substr(1, 1) == "=");
    }
}

std::optional<std::array<long, 3>> parse_level(std::string_view text)
{
    std::array<long, 3> level{};
    auto parts = split(text, '.');
    if (parts.size() > level.size())
        return std::nullopt;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto number = parse_number<long>(parts[i]);
        if (!number || *number < 0)
            return std::nullopt;
        level[i] = *number;
    }
    return level;
}

}  // namespace

Result<int> compare_levels(std::string_view a, std::string_view b)
{
    auto left = parse_level(a);
    auto right = parse_level(b);
    if (!left || !right)
        return failure(cat("malformed compatibility level syntax: \"", left ? b : a, "\""));
    return *left < *right ? -1 : *left > *right ? 1 : 0;
}

Result<std::string> Expander::expand_value(std::string_view name, std::string_view text)
{
    if (std::find(inside_.begin(), inside_.end(), name) != inside_.end())
        return failure(cat("the value contains itself: ", join(inside_, " -> "), " -> ", name));
    if (inside_.size() >= max_nesting)
        return failure(cat("unreasonable macro call nesting: \"", name, "\""));
    inside_.emplace_back(name);
    auto value = expand(text);
    inside_.pop_back();
    return value;
}

Result<std::vector<std::string>> Expander::names(std::string_view text)
{
    Expander collector{Lookup()};
    auto done = collector.expand(text);
    if (!done)
        return done.error();
    return std::vector<std::string>(collector.names_.begin(), collector.names_.end());
}

// Texts within texts ("${a?${b?...}}") nest as names do.
Result<std::string> Expander::expand(std::string_view text)
{
    if (depth_ >= 2 * max_nesting)
        return failure("unreasonable macro call nesting");
    ++depth_;
    auto value = expand_here(text);
    --depth_;
    return value;
}

Result<std::string> Expander::expand_here(std::string_view text)
{
    std::string out;
    for (auto rest = text; !rest.empty();) {
        auto dollar = std::min(rest.find('$'), rest.size());
        out += rest.substr(0, dollar);
        rest.remove_prefix(dollar);
        if (rest.empty())
            break;
        if (rest.starts_with("$$")) {
            out += '$';
            rest.remove_prefix(2);
            continue;
        }
        auto body = take_reference(rest);
        if (!body)
            return failure(cat("truncated macro reference: \"", text, "\""));
        if (trim(*body).empty())
            return failure(cat("empty macro name: \"", text, "\""));
        auto value = reference(*body);
        if (!value)
            return value;
        out += *value;
        if (out.size() > max_bytes)
            return failure(cat("the value is longer than ", max_bytes, " bytes"));
    }
    return out;
}

Result<std::string> Expander::reference(std::string_view body)
{
    if (++references_ > max_references)
        return failure(cat("the value refers to more than ", max_references, " names"));
    auto text = skip_space(body);
    if (text.starts_with('{'))
        return relation(text);
    auto name = leading_name(text);
    auto rest = skip_space(text.substr(name.size()));
    if (!rest.empty() && rest.front() != '?' && rest.front() != ':')
        return expected("attribute name syntax error", text, rest);
    if (name.empty())
        return failure(cat("empty macro name: \"", body, "\""));
    return named(name, rest);
}

// ${name}, ${name?text}, ${name:text}, ${name?{text}:{text}}. A condition is about the value as it is written.
Result<std::string> Expander::named(std::string_view name, std::string_view rest)
{
    if (!lookup_)
        names_.emplace(name);
    auto value = lookup_ ? lookup_(name) : std::nullopt;
    if (!rest.empty())
        return conditional(value && !value->empty(), rest);
    return value ? expand_value(name, *value) : Result<std::string>(std::string());
}

// {left} operator {right}, perhaps followed by a choice; without one it is "true" or empty.
Result<std::string> Expander::relation(std::string_view body)
{
    auto rest = body;
    auto left = take_braced(rest);
    if (!left)
        return expected("\"{expression}\" expected", body, rest);
    rest = skip_space(rest);
    auto op = std::find_if(operators.begin(), operators.end(), [&](auto candidate) { return rest.starts_with(candidate); });
    if (op == operators.end())
        return expected("\"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected", body, rest);
    rest.remove_prefix(op->size());
    auto right = take_braced(rest);
    if (!right)
        return expected("\"{expression}\" expected", body, rest);
    auto a = expand(*left);
    if (!a)
        return a;
    auto b = expand(*right);
    if (!b)
        return b;
    auto order = op->ends_with("level") && lookup_ ? compare_levels(*a, *b) : Result<int>(compare_values(*a, *b));
    if (!order)
        return order.error();
    rest = skip_space(rest);
    if (rest.empty())
        return std::string(holds(*op, *order) ? "true" : "");
    if (rest.front() != '?' && rest.front() != ':')
        return expected("\"?\" or \":\" expected", body, rest);
    return conditional(holds(*op, *order), rest);
}

// A text that is not taken is only looked through for names.
Result<std::string> Expander::choose(bool is_taken, std::string_view text)
{
    return is_taken || !lookup_ ? expand(text) : std::string();
}

// "?text", ":text", "?{text}", ":{text}" and "?{text}:{text}"; a text without braces goes on to the end.
Result<std::string> Expander::conditional(bool is_true, std::string_view rest)
{
    bool wanted = rest.front() == '?';
    auto body = rest;
    rest.remove_prefix(1);
    if (!skip_space(rest).starts_with('{'))
        return choose(is_true == wanted, rest);
    auto choice = take_braced(rest);
    if (!choice)
        return expected("\"}\" expected", body, std::string_view());
    rest = skip_space(rest);
    if (rest.empty())
        return choose(is_true == wanted, *choice);
    if (!wanted)
        return expected("unexpected input", body, rest);
    if (rest.front() != ':')
        return expected("\":\" expected", body, rest);
    rest.remove_prefix(1);
    auto alternative = rest;
    if (auto braced = take_braced(rest)) {
        if (!skip_space(rest).empty())
            return expected("unexpected input", body, skip_space(rest));
        alternative = *braced;
    }
    auto first = choose(is_true, *choice);
    auto second = choose(!is_true, alternative);
    if (!first || !second)
        return first ? second : first;
    return is_true ? first : second;
}

}  // namespace mta::config
