#include "table/aliases.h"

#include <algorithm>

#include "base/text.h"

namespace mta::table {

namespace {

// RFC 822 section 3.3.
constexpr std::string_view operators = "|,.:;<>@%!";
constexpr std::string_view specials = "()<>@,;:\\\".[]";

enum class Kind { atom, quoted, comment, domain_literal, op };

struct Token {
    Kind kind;
    std::string text;  // without quotes, backslashes and brackets; a comment has all of them

    bool is(char c) const { return kind == Kind::op && text.front() == c; }
};

class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    std::vector<Token> all()
    {
        std::vector<Token> tokens;
        while (!(rest_ = skip_space(rest_)).empty())
            tokens.push_back(next());
        return tokens;
    }

private:
    static std::string_view skip_space(std::string_view text)
    {
        while (!text.empty() && is_space(text.front()))
            text.remove_prefix(1);
        return text;
    }

    char take()
    {
        char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    Token next()
    {
        char first = rest_.front();
        if (first == '"')
            return {Kind::quoted, enclosed('"')};
        if (first == '[')
            return {Kind::domain_literal, enclosed(']')};
        if (first == '(')
            return {Kind::comment, comment()};
        if (operators.find(first) != std::string_view::npos || first == ')' || first == ']')
            return {Kind::op, std::string(1, take())};
        return atom();
    }

    // What stands before the closing character; what is open at the end is closed there.
    std::string enclosed(char close)
    {
        std::string text;
        take();
        while (!rest_.empty()) {
            char c = take();
            if (c == close)
                break;
            if (c == '\\' && !rest_.empty())
                text += take();
            else
                text += is_space(c) ? ' ' : c;
        }
        return text;
    }

    std::string comment()
    {
        std::string text;
        int depth = 0;
        while (!rest_.empty()) {
            char c = take();
            text += c;
            if (c == '\\' && !rest_.empty())
                text += take();
            else if (c == '(')
                ++depth;
            else if (c == ')' && --depth == 0)
                break;
        }
        return text;
    }

    // An atom that needs quotes, because of its backslashes, is a quoted string: else an operator in it would be one.
    Token atom()
    {
        Token token{Kind::atom, {}};
        while (!rest_.empty() && !is_end_of_atom(rest_.front())) {
            char c = take();
            if (c == '\\' && !rest_.empty())
                c = take();
            token.text += c;
        }
        auto is_special = [](char c) {
            return specials.find(c) != std::string_view::npos || operators.find(c) != std::string_view::npos || is_space(c) ||
                   static_cast<unsigned char>(c) < 32 || c == 127;
        };
        if (std::any_of(token.text.begin(), token.text.end(), is_special))
            token.kind = Kind::quoted;
        return token;
    }

    static bool is_end_of_atom(char c)
    {
        return is_space(c) || operators.find(c) != std::string_view::npos || std::string_view("\"()[]").find(c) != std::string_view::npos;
    }

    std::string_view rest_;
};

std::string enclosed(const Token& token, char open, char close)
{
    std::string text(1, open);
    for (char c : token.text) {
        if (c == close || c == '\\' || (is_space(c) && c != ' '))  // which would be read as a space
            text += '\\';
        text += c;
    }
    return text + close;
}

std::string external(const Token& token)
{
    if (token.kind == Kind::domain_literal)
        return enclosed(token, '[', ']');
    return token.kind == Kind::quoted ? enclosed(token, '"', '"') : token.text;
}

std::string internal(const Token& token)
{
    return token.kind == Kind::domain_literal ? cat("[", token.text, "]") : token.text;
}

// Puts tokens together: a space between two words, after a comma, and before what is in angle brackets.
std::string text_of(const std::vector<Token>& tokens, std::size_t begin, std::size_t end, std::string (*form)(const Token&))
{
    std::string text;
    for (auto at = begin; at < end; ++at) {
        text += form(tokens[at]);
        bool is_last = at + 1 == end;
        if (tokens[at].is(',') ||
            (!is_last && (tokens[at + 1].is('<') || (tokens[at].kind != Kind::op && tokens[at + 1].kind != Kind::op))))
            text += ' ';
    }
    return text;
}

}  // namespace

std::optional<Entry> parse_alias(const Line& line, std::string_view file, const Warn& warn, bool check_utf8)
{
    auto place = cat(file, ", line ", line.number, ": ");
    if (check_utf8 && !is_utf8(line.text)) {
        warn(cat(place, "non-UTF-8 input \"", line.text, "\" -- ignoring this line"));
        return std::nullopt;
    }
    auto tokens = Scanner(line.text).all();
    std::size_t colon = 0;
    bool has_comma = false, has_domain = false;
    for (; colon < tokens.size() && !tokens[colon].is(':'); ++colon) {
        has_comma |= tokens[colon].is(',');
        has_domain |= tokens[colon].is('@') || tokens[colon].is('%');
    }
    if (colon == 0 || colon + 1 >= tokens.size() || has_comma) {
        warn(cat(place, "need name:value pair"));
        return std::nullopt;
    }
    if (has_domain) {
        warn(cat(place, "name must be local"));
        return std::nullopt;
    }
    return Entry{text_of(tokens, 0, colon, internal), text_of(tokens, colon + 1, tokens.size(), external), line.number};
}

}  // namespace mta::table
