#include <idn2.h>

#include <algorithm>
#include <memory>

#include "base/fd.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/address.h"

namespace mta::mail {

namespace {

constexpr std::size_t max_label_bytes = 63;

bool is_label_byte(char c, bool utf8)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || (utf8 && static_cast<unsigned char>(c) >= 0x80);
}

bool is_label(std::string_view label, bool utf8)
{
    if (label.empty() || label.size() > max_label_bytes || label.front() == '-' || label.back() == '-')
        return false;
    return std::all_of(label.begin(), label.end(), [&](char c) { return is_label_byte(c, utf8); });
}

}  // namespace

bool is_domain(std::string_view text, bool utf8)
{
    if (!text.empty() && text.back() == '.')
        text.remove_suffix(1);
    if (text.empty() || text.size() > max_domain_bytes || (utf8 && !is_utf8(text)))
        return false;
    std::string_view last;
    for (auto label : split(text, '.')) {
        if (!is_label(label, utf8))
            return false;
        last = label;
    }
    return !std::all_of(last.begin(), last.end(), is_digit);
}

std::optional<std::string> address_in_literal(std::string_view text)
{
    constexpr std::string_view ipv6 = "IPv6:";
    if (text.size() < 3 || text.front() != '[' || text.back() != ']')
        return std::nullopt;
    text = text.substr(1, text.size() - 2);
    bool tagged = istarts_with(text, ipv6);
    if (tagged)
        text.remove_prefix(ipv6.size());
    auto address = net::Address::parse(text);
    if (!address || tagged != (text.find(':') != std::string_view::npos))
        return std::nullopt;
    return address->text();
}

bool is_address_literal(std::string_view text) { return address_in_literal(text).has_value(); }

std::optional<std::string> lookup_domain(std::string_view domain)
{
    if (!domain.empty() && domain.back() == '.')
        domain.remove_suffix(1);
    auto folded = lower(domain);
    if (is_ascii(domain))
        return folded;
    char* output = nullptr;
    int error = ::idn2_to_ascii_8z(std::string(domain).c_str(), &output, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    std::unique_ptr<char, Release<idn2_free>> owned(output);
    if (error != IDN2_OK || !output)
        return std::nullopt;
    // Other scripts have dots and digits of their own.
    auto ascii = lower(output);
    if (ascii.ends_with('.'))
        ascii.pop_back();
    return is_domain(ascii) ? std::optional(ascii) : std::nullopt;
}

}  // namespace mta::mail
