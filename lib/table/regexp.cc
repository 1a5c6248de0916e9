#include <regex.h>

#include <climits>

#include "table/pattern.h"

namespace mta::table {

namespace {

class PosixExpression : public Expression {
public:
    static Result<std::unique_ptr<Expression>> compile(std::string_view pattern, std::string_view flags)
    {
        auto has = [&](char flag) { return flags.find(flag) != std::string_view::npos; };
        int options = (has('i') ? REG_ICASE : 0) | (has('m') ? REG_NEWLINE : 0) | (has('x') ? REG_EXTENDED : 0);
        auto expression = std::make_unique<PosixExpression>();
        if (int code = ::regcomp(&expression->compiled_, std::string(pattern).c_str(), options); code != 0) {
            char reason[256];
            ::regerror(code, &expression->compiled_, reason, sizeof reason);
            return failure(reason);
        }
        expression->is_compiled_ = true;
        return std::unique_ptr<Expression>(std::move(expression));
    }

    PosixExpression() = default;
    PosixExpression(const PosixExpression&) = delete;
    ~PosixExpression() override
    {
        if (is_compiled_)
            ::regfree(&compiled_);
    }

    Result<bool> matches(std::string_view text, std::vector<std::string_view>* groups) const override
    {
        std::vector<regmatch_t> places(group_count() + 1);
        if (text.size() > INT_MAX)
            return failure("key is too long for a regular expression");
        places[0] = {0, static_cast<regoff_t>(text.size())};  // REG_STARTEND: the text may contain a NUL
        int code = ::regexec(&compiled_, text.data(), places.size(), places.data(), REG_STARTEND);
        if (code == REG_NOMATCH)
            return false;
        if (code != 0)
            return failure("regular expression needs too much memory");
        groups->clear();
        for (const auto& place : places)
            groups->push_back(place.rm_so < 0 ? std::string_view()
                                              : text.substr(static_cast<std::size_t>(place.rm_so),
                                                            static_cast<std::size_t>(place.rm_eo - place.rm_so)));
        return true;
    }

    std::size_t group_count() const override { return compiled_.re_nsub; }

private:
    regex_t compiled_{};
    bool is_compiled_ = false;
};

constexpr PatternDialect posix{"regexp", "imx", "ix", PosixExpression::compile};

}  // namespace

// regexp: POSIX expressions, extended and without case unless a rule says otherwise.
Opened open_regexp(const std::string& name, const Options& options) { return open_patterns(posix, name, options); }

}  // namespace mta::table
