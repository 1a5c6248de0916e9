#include "mail/extension.h"

#include <array>

#include "base/text.h"

namespace mta::mail {

namespace {

bool is_whole(std::string_view local_part, std::string_view delimiters)
{
    constexpr std::array<std::string_view, 3> reserved{"postmaster", "mailer-daemon", "double-bounce"};
    constexpr std::string_view owner = "owner-", request = "-request";
    for (auto name : reserved)
        if (iequals(local_part, name))
            return true;
    if (delimiters.find('-') == std::string_view::npos)
        return false;
    if (istarts_with(local_part, owner))
        return true;
    return local_part.size() > request.size() && iequals(local_part.substr(local_part.size() - request.size()), request);
}

}  // namespace

Split split_extension(std::string_view local_part, std::string_view delimiters)
{
    auto at = local_part.find_first_of(delimiters);
    if (delimiters.empty() || at == std::string_view::npos || at == 0 || is_whole(local_part, delimiters))
        return {local_part, {}, '\0'};
    return {local_part.substr(0, at), local_part.substr(at + 1), local_part[at]};
}

}  // namespace mta::mail
