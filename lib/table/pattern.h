#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "table/rules.h"

// What regexp: and pcre: have in common: all but the expressions themselves.
namespace mta::table {

// A compiled expression.
class Expression {
public:
    virtual ~Expression() = default;
    // Whether it matches, and if so the texts of the groups, [0] the whole; an Error if that took too much. A NUL follows the text.
    virtual Result<bool> matches(std::string_view text, std::vector<std::string_view>* groups) const = 0;
    virtual std::size_t group_count() const = 0;
};

// A result with $1, ${1}, $(1) and $$ in it, split in advance.
class Template {
public:
    struct Piece {
        std::string literal;
        std::size_t group = 0;  // of what was matched; 0: only the literal
    };
    // What is wrong with the text, if the Result is an Error, is in the words of Postfix.
    static Result<Template> parse(std::string_view text);
    std::size_t highest_group() const;
    std::string expand(const std::vector<std::string_view>& groups) const;

private:
    std::vector<Piece> pieces_;
};

struct PatternDialect {
    std::string_view map_type;  // "regexp"
    std::string_view flags;     // those that exist
    std::string_view default_flags;
    // The expression, or the Error why it is none.
    Result<std::unique_ptr<Expression>> (*compile)(std::string_view pattern, std::string_view flags);
};

Opened open_patterns(const PatternDialect& dialect, const std::string& name, const Options& options);

}  // namespace mta::table
