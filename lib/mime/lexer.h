#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mta::mime {

// Reads the pieces that structured fields are made of (RFC 5322 section 3.2). Never fails: what has no end
// ends with the text. Line ends of folding are white space.
class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ >= text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    void skip() { at_ += !at_end(); }
    bool take(char c);
    std::size_t offset() const { return at_; }

    bool skip_space();                                       // true if there was some
    void skip_space_and_comments();
    std::string quoted_string();                             // at its '"'; without the quoting
    std::string comment();                                   // at its '('; without the outer parentheses and quoting
    std::string domain_literal();                            // at its '['; with its brackets
    std::string_view until(std::string_view delimiters);     // up to one of them, which stays

private:
    std::string enclosed(char close);

    std::string_view text_;
    std::size_t at_ = 0;
};

// A comment becomes a space; comments in quoted strings are none.
std::string without_comments(std::string_view text);

}  // namespace mta::mime
