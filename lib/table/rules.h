#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "table/types.h"

// The common form of cidr:, regexp: and pcre: tables: rules in order, "!" before a pattern, if and endif, which can nest.
namespace mta::table {

template <class Pattern>
struct Rule {
    enum class Kind { result, condition } kind = Kind::result;
    bool is_negated = false;
    Pattern pattern{};
    std::string result;
    std::size_t next = std::string::npos;  // of a condition that does not hold: where it goes on
};

template <class Pattern>
class Rules {
public:
    // The first rule whose pattern matches and whose conditions hold; null if there is none. The matcher gets the pattern and
    // whether it is negated, and says whether the rule applies.
    template <class Matcher>
    Result<const Rule<Pattern>*> first(const Matcher& applies) const
    {
        for (std::size_t at = 0; at < rules_.size();) {
            const auto& rule = rules_[at];
            Result<bool> holds = applies(rule.pattern, rule.is_negated);
            if (!holds)
                return holds.error();
            if (*holds && rule.kind == Rule<Pattern>::Kind::result)
                return &rule;
            at = !*holds && rule.kind == Rule<Pattern>::Kind::condition ? rule.next : at + 1;
        }
        return nullptr;
    }

private:
    template <class>
    friend class RuleParser;
    std::vector<Rule<Pattern>> rules_;
};

// Reads rules; a bad one is skipped with Postfix's warning. What a pattern looks like is the derived class's business.
template <class Pattern>
class RuleParser {
public:
    RuleParser(std::string_view map_type, std::string_view name) : prefix_(cat(map_type, " map ", name, ", line ")), name_(name) {}
    virtual ~RuleParser() = default;

    Rules<Pattern> parse(std::string_view content)
    {
        for (const auto& line : logical_lines(content, name_, log_warning)) {
            line_ = line.number;
            std::string_view rest = trim(line.text);
            if (take_word(rest, "endif"))
                end(rest);
            else if (take_word(rest, "if"))
                add(Rule<Pattern>::Kind::condition, rest);
            else
                add(Rule<Pattern>::Kind::result, rest);
        }
        for (; !open_.empty(); open_.pop_back())
            log_warning(cat(prefix_, open_.back().line, ": IF has no matching ENDIF"));
        return std::move(rules_);
    }

protected:
    // Reads the pattern (and the result, unless is_condition) from rest into the rule; false, after a warning, to skip it.
    virtual bool parse_rule(std::string_view rest, bool is_condition, Rule<Pattern>& rule) = 0;
    virtual std::string_view no_pattern() const = 0;
    // What to say of "endif" alone, and of "endif text", which counts only for some.
    virtual std::string_view stray_end() const = 0;
    virtual std::string_view text_after_end() const = 0;
    virtual bool ends_in_spite_of_text() const = 0;

    void warn(std::string_view text) const { log_warning(cat(prefix_, line_, ": ", text)); }
    bool skip(std::string_view why) const
    {
        warn(cat(why, ": skipping this rule"));
        return false;
    }

private:
    // A word of letters in any case, and not the beginning of a longer one.
    static bool take_word(std::string_view& rest, std::string_view word)
    {
        if (!istarts_with(rest, word))
            return false;
        auto after = rest.substr(word.size());
        if (!after.empty() && (is_alpha(after.front()) || is_digit(after.front())))
            return false;
        rest = trim(after);
        return true;
    }

    void add(typename Rule<Pattern>::Kind kind, std::string_view rest)
    {
        Rule<Pattern> rule;
        rule.kind = kind;
        while (!rest.empty() && rest.front() == '!') {
            rule.is_negated = !rule.is_negated;
            rest = trim(rest.substr(1));
        }
        bool is_condition = kind == Rule<Pattern>::Kind::condition;
        if (rest.empty()) {
            skip(no_pattern());
            return;
        }
        if (!parse_rule(rest, is_condition, rule))
            return;
        if (is_condition)
            open_.push_back({rules_.rules_.size(), line_});
        rules_.rules_.push_back(std::move(rule));
    }

    void end(std::string_view rest)
    {
        if (open_.empty())
            return warn(rest.empty() || ends_in_spite_of_text() ? stray_end() : text_after_end());
        if (!rest.empty())
            warn(text_after_end());
        if (!rest.empty() && !ends_in_spite_of_text())
            return;
        rules_.rules_[open_.back().index].next = rules_.rules_.size();
        open_.pop_back();
    }

    struct Open {
        std::size_t index;
        int line;
    };
    std::string prefix_, name_;
    int line_ = 0;
    std::vector<Open> open_;  // conditions without their endif yet
    Rules<Pattern> rules_;
};

}  // namespace mta::table
