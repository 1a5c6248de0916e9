#include "auth/saslprep.h"

#include <uninorm.h>
#include <unistr.h>

#include <cstdlib>
#include <memory>

#include "base/fd.h"
#include "base/text.h"

namespace mta::auth {

namespace {

using CodePoint = char32_t;

// RFC 3454 table C.1.2
bool is_other_space(CodePoint c)
{
    return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200b) || c == 0x202f || c == 0x205f || c == 0x3000;
}

// RFC 3454 table B.1
bool maps_to_nothing(CodePoint c)
{
    return c == 0xad || c == 0x34f || c == 0x1806 || (c >= 0x180b && c <= 0x180d) || c == 0x200c || c == 0x200d ||
           c == 0x2060 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff;
}

// RFC 4013 section 2.3: control, private use, non-character, surrogate, tagging and change of display codes
bool is_prohibited(CodePoint c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x6dd || c == 0x70f || c == 0x180e || c == 0x340 || c == 0x341 ||
           (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2061 && c <= 0x2063) ||
           (c >= 0x206a && c <= 0x206f) || (c >= 0x2ff0 && c <= 0x2ffb) || (c >= 0xd800 && c <= 0xf8ff) ||
           (c >= 0xfdd0 && c <= 0xfdef) || (c >= 0xfff9 && c <= 0xffff) || (c >= 0x1d173 && c <= 0x1d17a) ||
           (c & 0xfffe) == 0xfffe || (c >= 0xe0000 && c <= 0xe007f) || c >= 0xf0000;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::optional<std::string> saslprep(std::string_view text)
{
    if (is_ascii(text)) {
        for (char c : text)
            if (is_control(c))
                return std::nullopt;
        return std::string(text);
    }
    if (!is_utf8(text))
        return std::nullopt;
    std::u32string mapped;
    auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    for (std::size_t at = 0; at < text.size();) {
        ucs4_t c = 0;
        at += static_cast<std::size_t>(u8_mbtouc(&c, bytes + at, text.size() - at));
        if (!maps_to_nothing(c))
            mapped.push_back(is_other_space(c) ? U' ' : static_cast<CodePoint>(c));
    }
    std::size_t length = 0;
    std::unique_ptr<std::uint32_t, Release<std::free>> normal(
        u32_normalize(UNINORM_NFKC, reinterpret_cast<const std::uint32_t*>(mapped.data()), mapped.size(), nullptr, &length));
    if (!normal)
        return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < length; ++i) {
        CodePoint c = normal.get()[i];
        std::uint8_t utf8[6];
        if (is_prohibited(c))
            return std::nullopt;
        out.append(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(u8_uctomb(utf8, c, sizeof utf8)));
    }
    return out;
}

std::string prepare_password(std::string_view password) { return saslprep(password).value_or(std::string(password)); }

}  // namespace mta::auth
