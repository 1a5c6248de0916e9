#include "deliver/reason.h"

#include "base/text.h"

namespace mta::deliver {

namespace {

constexpr std::size_t max_digits = 3;  // RFC 3463 section 2: each of subject and detail has one to three

std::size_t digits_at(std::string_view text, std::size_t begin)
{
    std::size_t count = 0;
    while (begin + count < text.size() && is_digit(text[begin + count]))
        ++count;
    return count;
}

}  // namespace

std::size_t status_length(std::string_view text)
{
    if (text.empty() || (text[0] != '2' && text[0] != '4' && text[0] != '5'))
        return 0;
    std::size_t end = 1;
    for (int part = 0; part < 2; ++part) {
        if (end >= text.size() || text[end] != '.')
            return 0;
        auto digits = digits_at(text, end + 1);
        if (digits == 0 || digits > max_digits)
            return 0;
        end += 1 + digits;
    }
    return end == text.size() || is_space(text[end]) ? end : 0;
}

Reason split_reason(std::string_view text, char status_class, std::string_view default_status)
{
    auto length = status_length(text);
    Reason reason{std::string(default_status), std::string(trim(text.substr(length)))};
    if (length > 0 && (status_class == '*' || text[0] == status_class))
        reason.status = text.substr(0, length);
    return reason;
}

}  // namespace mta::deliver
