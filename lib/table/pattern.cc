#include "table/pattern.h"

#include <algorithm>

namespace mta::table {

namespace {

bool is_name_char(char c) { return is_alpha(c) || is_digit(c) || c == '_'; }

// The name after a dollar, which is taken off the text; an Error in the words of Postfix.
Result<std::string_view> take_macro_name(std::string_view& rest, std::string_view whole)
{
    bool has_bracket = !rest.empty() && (rest.front() == '{' || rest.front() == '(');
    std::size_t end = 0;
    std::string_view name;
    if (has_bracket) {
        end = rest.find(rest.front() == '{' ? '}' : ')');
        if (end == std::string_view::npos)
            return failure(cat("truncated macro reference: \"", whole, "\""));
        name = rest.substr(1, end++ - 1);
    } else {
        while (end < rest.size() && is_name_char(rest[end]))
            ++end;
        name = rest.substr(0, end);
    }
    if (name.empty())
        return failure(cat("empty macro name: \"", whole, "\""));
    rest.remove_prefix(end);
    return name;
}

}  // namespace

Result<Template> Template::parse(std::string_view text)
{
    Template result;
    std::string literal;
    for (auto rest = text; !rest.empty();) {
        auto dollar = rest.find('$');
        literal += rest.substr(0, dollar);
        if (dollar == std::string_view::npos)
            break;
        rest.remove_prefix(dollar + 1);
        if (!rest.empty() && rest.front() == '$') {
            literal += '$';
            rest.remove_prefix(1);
            continue;
        }
        auto name = take_macro_name(rest, text);
        if (!name)
            return name.error();
        auto group = parse_number<std::size_t>(*name);
        if (!group)
            return failure(cat("non-numeric replacement index \"", *name, "\""));
        if (*group == 0)
            return failure(cat("out-of-range replacement index \"", *name, "\""));
        result.pieces_.push_back({std::move(literal), *group});
        literal.clear();
    }
    if (!literal.empty())
        result.pieces_.push_back({std::move(literal), 0});
    return result;
}

std::size_t Template::highest_group() const
{
    std::size_t highest = 0;
    for (const auto& piece : pieces_)
        highest = std::max(highest, piece.group);
    return highest;
}

std::string Template::expand(const std::vector<std::string_view>& groups) const
{
    std::string text;
    for (const auto& piece : pieces_) {
        text += piece.literal;
        if (piece.group != 0 && piece.group < groups.size())
            text += groups[piece.group];
    }
    return text;
}

namespace {

struct Pattern {
    std::unique_ptr<Expression> expression;
    Template result;
};

class PatternTable : public Table {
public:
    PatternTable(Rules<Pattern> rules, std::optional<FileMark> mark) : rules_(std::move(rules)), mark_(std::move(mark)) {}

    Found find(std::string_view key) override
    {
        std::vector<std::string_view> groups;
        const std::string text(key);  // sanitizers look for its end where regexec() is told of it
        auto rule = rules_.first([&](const Pattern& pattern, bool is_negated) -> Result<bool> {
            auto matches = pattern.expression->matches(text, &groups);
            return matches ? Result<bool>(*matches != is_negated) : matches;
        });
        if (!rule)
            return rule.error();
        return *rule ? std::optional((*rule)->pattern.result.expand(groups)) : std::nullopt;
    }

    bool takes_whole_keys_only() const override { return true; }
    bool is_stale() const override { return mark_ && mark_->has_changed(); }
    std::optional<uid_t> owner() const override { return mark_ ? mark_->owner() : 0; }

private:
    Rules<Pattern> rules_;
    std::optional<FileMark> mark_;
};

class PatternParser : public RuleParser<Pattern> {
public:
    PatternParser(const PatternDialect& dialect, const std::string& name, const Options& options)
        : RuleParser(dialect.map_type, name), dialect_(dialect), options_(options)
    {
    }

private:
    bool parse_rule(std::string_view rest, bool is_condition, Rule<Pattern>& rule) override
    {
        if (is_alpha(rest.front()) || is_digit(rest.front())) {
            warn("ignoring unrecognized request");
            return false;
        }
        if (!parse_expression(rest, rule.pattern))
            return false;
        if (!is_condition)
            return parse_result(rest, rule);
        if (!rest.empty()) {
            warn(cat("ignoring extra text after IF statement: \"", rest, "\""));
            warn("do not prepend whitespace to statements between IF and ENDIF");
        }
        return true;
    }

    // "/pattern/flags", taken off the text with the white space behind it.
    bool parse_expression(std::string_view& rest, Pattern& pattern)
    {
        char delimiter = rest.front();
        std::size_t end = 1;
        while (end < rest.size() && rest[end] != delimiter)
            end += rest[end] == '\\' ? 2 : 1;
        if (end >= rest.size())
            return skip(cat("no closing regexp delimiter \"", delimiter, "\""));
        auto text = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
        std::string flags(dialect_.default_flags);
        for (; !rest.empty() && !is_space(rest.front()); rest.remove_prefix(1)) {
            char flag = rest.front();
            if (dialect_.flags.find(flag) == std::string_view::npos)
                return skip(cat("unknown regexp option \"", flag, "\""));
            if (std::erase(flags, flag) == 0)
                flags += flag;
        }
        rest = trim(rest);
        auto compiled = dialect_.compile(text, flags);
        if (!compiled) {
            warn(compiled.error().text);
            return false;
        }
        pattern.expression = std::move(*compiled);
        return true;
    }

    bool parse_result(std::string_view text, Rule<Pattern>& rule)
    {
        if (text.empty())
            warn("no replacement text: using empty string");
        auto result = Template::parse(text);
        if (!result) {
            warn(result.error().text);
            return skip("bad replacement syntax");
        }
        auto highest = result->highest_group();
        if (highest > 0 && rule.is_negated)
            return skip("$number found in negative match replacement text");
        if (highest > 0 && !options_.allow_substitution)
            return skip("regular expression substitution is not allowed");
        if (highest > rule.pattern.expression->group_count())
            return skip(cat("out of range replacement index \"", highest, "\""));
        rule.pattern.result = std::move(*result);
        return true;
    }

    std::string_view no_pattern() const override { return "no regexp"; }
    std::string_view stray_end() const override { return "ignoring ENDIF without matching IF"; }
    std::string_view text_after_end() const override { return "ignoring extra text after ENDIF"; }
    bool ends_in_spite_of_text() const override { return true; }

    const PatternDialect& dialect_;
    const Options& options_;
};

}  // namespace

Opened open_patterns(const PatternDialect& dialect, const std::string& name, const Options& options)
{
    auto source = read_rules(name, dialect.map_type);
    if (!source)
        return source.error();
    PatternParser parser(dialect, name, options);
    auto rules = parser.parse(source->content);
    return std::unique_ptr<Table>(std::make_unique<PatternTable>(std::move(rules), source->mark));
}

}  // namespace mta::table
