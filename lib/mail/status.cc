#include "mail/status.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace mta::mail {

namespace {

bool is_number(std::string_view text)
{
    return !text.empty() && text.size() <= 3 && std::all_of(text.begin(), text.end(), is_digit);
}

// RFC 5248 section 2.4, and what Postfix answers where that leaves a choice.
constexpr std::pair<std::string_view, int> codes[] = {
    {"1.0", 550}, {"1.1", 550}, {"1.2", 550}, {"1.3", 501}, {"1.6", 550}, {"1.7", 501}, {"1.8", 550}, {"2.0", 550}, {"2.1", 550},
    {"2.2", 552}, {"2.3", 552}, {"3.0", 550}, {"3.1", 552}, {"3.2", 550}, {"3.4", 552}, {"4.0", 554}, {"4.6", 554}, {"5.0", 550},
    {"5.1", 503}, {"5.2", 500}, {"5.4", 501}, {"6.0", 554}, {"6.7", 553}, {"7.0", 550}, {"7.1", 550}, {"7.8", 535},
};
constexpr std::pair<std::string_view, int> temporary_codes[] = {
    {"2.2", 452}, {"3.1", 452}, {"5.3", 452}, {"1.0", 450}, {"1.1", 450}, {"1.8", 450}, {"7.1", 450},
};

}  // namespace

bool is_status(std::string_view text)
{
    auto parts = split(text, '.');
    if (parts.size() != 3 || (parts[0] != "2" && parts[0] != "4" && parts[0] != "5"))
        return false;
    return is_number(parts[1]) && is_number(parts[2]);
}

StatusText split_status(std::string_view text, std::string_view default_status)
{
    text = trim(text);
    auto end = std::min(text.find_first_of(" \t"), text.size());
    if (!is_status(text.substr(0, end)))
        return {std::string(default_status), text};
    return {std::string(text.substr(0, end)), trim(text.substr(end))};
}

std::string with_class(std::string_view status, char status_class)
{
    std::string out(status);
    if (!out.empty())
        out.front() = status_class;
    return out;
}

int reply_code(std::string_view status)
{
    if (!is_status(status))
        return 451;
    auto detail = status.substr(2);
    if (status.front() == '2')
        return 250;
    if (status.front() == '4') {
        for (const auto& [known, code] : temporary_codes)
            if (detail == known)
                return code;
        return 451;
    }
    for (const auto& [known, code] : codes)
        if (detail == known)
            return code;
    return 554;
}

std::string reply_line(const Error& error) { return cat(reply_code(error.status), " ", error.status, " ", error.text); }

}  // namespace mta::mail
