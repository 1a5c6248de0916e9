#include "mime/lexer.h"

#include "base/text.h"

namespace mta::mime {

bool Lexer::take(char c)
{
    if (at_end() || text_[at_] != c)
        return false;
    ++at_;
    return true;
}

bool Lexer::skip_space()
{
    auto begin = at_;
    while (!at_end() && is_space(text_[at_]))
        ++at_;
    return at_ > begin;
}

void Lexer::skip_space_and_comments()
{
    while (skip_space() || peek() == '(')
        if (peek() == '(')
            comment();
}

std::string_view Lexer::until(std::string_view delimiters)
{
    auto end = text_.find_first_of(delimiters, at_);
    auto piece = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
    at_ += piece.size();
    return piece;
}

std::string Lexer::enclosed(char close)
{
    std::string out;
    while (!at_end()) {
        char c = text_[at_++];
        if (c == close)
            break;
        if (c == '\\' && !at_end())
            c = text_[at_++];
        if (c != '\r' && c != '\n')
            out.push_back(c);
    }
    return out;
}

std::string Lexer::quoted_string()
{
    ++at_;
    return enclosed('"');
}

std::string Lexer::domain_literal()
{
    ++at_;
    return cat("[", enclosed(']'), "]");
}

std::string Lexer::comment()
{
    std::string out;
    for (int depth = 0; !at_end();) {
        char c = text_[at_++];
        if (c == ')' && --depth == 0)
            break;
        if (c == '(' && depth++ == 0)
            continue;
        if (c == '\\' && !at_end())
            c = text_[at_++];
        if (c != '\r' && c != '\n')
            out.push_back(c);
    }
    return out;
}

std::string without_comments(std::string_view text)
{
    Lexer lexer(text);
    std::string out;
    while (!lexer.at_end()) {
        auto begin = lexer.offset();
        if (lexer.peek() == '(') {
            lexer.comment();
            out.push_back(' ');
            continue;
        }
        if (lexer.peek() == '"')
            lexer.quoted_string();
        else
            lexer.skip();
        out.append(text.substr(begin, lexer.offset() - begin));
    }
    return out;
}

}  // namespace mta::mime
