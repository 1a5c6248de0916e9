#include "mail/dsn.h"

#include <algorithm>

#include "base/encode.h"
#include "base/text.h"

namespace mta::mail {

namespace {

constexpr std::size_t max_envid_bytes = 100;  // RFC 3461 section 4.4
constexpr std::size_t max_orcpt_bytes = 500;  // RFC 3461 section 4.2

bool is_printable_ascii(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// RFC 3461 section 4.2: addr-type is an atom.
bool is_address_type(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
}

}  // namespace

Notify Notify::for_copies() const
{
    Notify copies = *this;
    copies.success = false;
    copies.never = never || (success && !failure && !delay);
    return copies;
}

std::optional<Notify> Notify::parse(std::string_view text)
{
    Notify notify;
    for (auto word : split(text, ',')) {
        bool* flag = iequals(word, "NEVER")     ? &notify.never
                     : iequals(word, "SUCCESS") ? &notify.success
                     : iequals(word, "FAILURE") ? &notify.failure
                     : iequals(word, "DELAY")   ? &notify.delay
                                                : nullptr;
        if (!flag)
            return std::nullopt;
        *flag = true;
    }
    if (notify.never && (notify.success || notify.failure || notify.delay))
        return std::nullopt;
    return notify;
}

std::string Notify::text() const
{
    if (never)
        return "NEVER";
    std::vector<std::string> words;
    if (success)
        words.emplace_back("SUCCESS");
    if (failure)
        words.emplace_back("FAILURE");
    if (delay)
        words.emplace_back("DELAY");
    return join(words, ",");
}

std::optional<Ret> parse_ret(std::string_view text)
{
    if (iequals(text, "FULL"))
        return Ret::full;
    if (iequals(text, "HDRS"))
        return Ret::headers;
    return std::nullopt;
}

std::string_view text_of(Ret ret)
{
    switch (ret) {
    case Ret::full: return "FULL";
    case Ret::headers: return "HDRS";
    case Ret::unspecified: break;
    }
    return "";
}

bool is_envid(std::string_view text)
{
    if (text.empty() || text.size() > max_envid_bytes)
        return false;
    auto decoded = xtext_decode(text);
    return decoded && is_printable_ascii(*decoded);
}

std::optional<OriginalRecipient> OriginalRecipient::parse(std::string_view text)
{
    auto semicolon = text.find(';');
    if (semicolon == std::string_view::npos || text.size() > max_orcpt_bytes)
        return std::nullopt;
    auto address = xtext_decode(text.substr(semicolon + 1));
    if (!is_address_type(text.substr(0, semicolon)) || !address || address->empty() || !is_printable_ascii(*address))
        return std::nullopt;
    return OriginalRecipient{std::string(text.substr(0, semicolon)), *std::move(address)};
}

std::string OriginalRecipient::text() const { return cat(type, ";", xtext_encode(address)); }

}  // namespace mta::mail
