#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/fd.h"
#include "table/pattern.h"

namespace mta::table {

namespace {

// What one match may cost: a hostile text against a careless pattern ends in "cannot tell", within some milliseconds.
constexpr std::uint32_t match_limit = 100'000;
constexpr std::uint32_t depth_limit = 10'000;
constexpr std::uint32_t heap_limit_kib = 4096;

using Code = std::unique_ptr<pcre2_code, Release<pcre2_code_free>>;
using Data = std::unique_ptr<pcre2_match_data, Release<pcre2_match_data_free>>;
using Limits = std::unique_ptr<pcre2_match_context, Release<pcre2_match_context_free>>;

std::string reason(int code)
{
    PCRE2_UCHAR text[256];
    ::pcre2_get_error_message(code, text, sizeof text);
    return reinterpret_cast<const char*>(text);
}

class PerlExpression : public Expression {
public:
    static Result<std::unique_ptr<Expression>> compile(std::string_view pattern, std::string_view flags)
    {
        constexpr std::pair<char, std::uint32_t> options_of_flags[] = {
            {'i', PCRE2_CASELESS}, {'m', PCRE2_MULTILINE},      {'s', PCRE2_DOTALL},   {'x', PCRE2_EXTENDED},
            {'A', PCRE2_ANCHORED}, {'E', PCRE2_DOLLAR_ENDONLY}, {'U', PCRE2_UNGREEDY},
        };
        std::uint32_t options = is_utf8(pattern) ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : 0;
        for (auto [flag, option] : options_of_flags)
            if (flags.find(flag) != std::string_view::npos)
                options |= option;
        int error = 0;
        PCRE2_SIZE offset = 0;
        Code code(::pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error, &offset,
                                  nullptr));
        if (!code)
            return failure(cat("error in regex at offset ", offset, ": ", reason(error)));
        return std::unique_ptr<Expression>(std::make_unique<PerlExpression>(std::move(code)));
    }

    explicit PerlExpression(Code code)
        : code_(std::move(code)), data_(::pcre2_match_data_create_from_pattern(code_.get(), nullptr)),
          limits_(::pcre2_match_context_create(nullptr))
    {
        ::pcre2_set_match_limit(limits_.get(), match_limit);
        ::pcre2_set_depth_limit(limits_.get(), depth_limit);
        ::pcre2_set_heap_limit(limits_.get(), heap_limit_kib);
    }

    Result<bool> matches(std::string_view text, std::vector<std::string_view>* groups) const override
    {
        int count = ::pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data_.get(),
                                  limits_.get());
        if (count == PCRE2_ERROR_NOMATCH)
            return false;
        if (count < 0)
            return failure(cat("error matching a pattern: ", reason(count)));
        groups->clear();
        auto places = ::pcre2_get_ovector_pointer(data_.get());
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            auto begin = places[2 * i], end = places[2 * i + 1];
            groups->push_back(begin == PCRE2_UNSET || end < begin ? std::string_view() : text.substr(begin, end - begin));
        }
        return true;
    }

    std::size_t group_count() const override
    {
        std::uint32_t count = 0;
        ::pcre2_pattern_info(code_.get(), PCRE2_INFO_CAPTURECOUNT, &count);
        return count;
    }

private:
    Code code_;
    Data data_;
    Limits limits_;
};

constexpr PatternDialect perl{"pcre", "imsxAEUX", "is", PerlExpression::compile};

}  // namespace

// pcre: Perl's expressions; X is accepted as with Postfix and PCRE2, where it has no effect.
Opened open_pcre(const std::string& name, const Options& options) { return open_patterns(perl, name, options); }

}  // namespace mta::table
