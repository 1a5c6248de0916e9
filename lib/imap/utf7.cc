#include "imap/utf7.h"

#include <cstdint>
#include <vector>

#include "base/text.h"

namespace mta::imap {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

bool is_direct(char c) { return c >= 0x20 && c <= 0x7e; }

void append_utf8(std::string& out, std::uint32_t code)
{
    auto byte = [&](std::uint32_t bits) { out.push_back(static_cast<char>(bits)); };
    if (code < 0x80)
        return byte(code);
    if (code < 0x800) {
        byte(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            byte(0xe0 | code >> 12);
        } else {
            byte(0xf0 | code >> 18);
            byte(0x80 | (code >> 12 & 0x3f));
        }
        byte(0x80 | (code >> 6 & 0x3f));
    }
    byte(0x80 | (code & 0x3f));
}

// The code point that the text, which is UTF-8, starts with; removes it.
std::uint32_t take_code(std::string_view& text)
{
    auto first = static_cast<unsigned char>(text.front());
    std::size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    std::uint32_t code = size == 1 ? first : first & (0x7f >> size);
    for (std::size_t i = 1; i < size; ++i)
        code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
    text.remove_prefix(size);
    return code;
}

// UTF-16 in big-endian order, in base64 without padding.
std::string base64_of(const std::vector<std::uint16_t>& units)
{
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (auto unit : units) {
        bits = (bits & 0x3f) << 16 | unit;
        for (count += 16; count >= 6;) {
            count -= 6;
            out.push_back(alphabet[bits >> count & 0x3f]);
        }
    }
    if (count > 0)
        out.push_back(alphabet[bits << (6 - count) & 0x3f]);
    return out;
}

std::optional<std::vector<std::uint16_t>> units_of(std::string_view base64)
{
    std::vector<std::uint16_t> units;
    std::uint32_t bits = 0;
    int count = 0;
    for (char c : base64) {
        auto value = alphabet.find(c);
        if (value == std::string_view::npos)
            return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 16) {
            count -= 16;
            units.push_back(static_cast<std::uint16_t>(bits >> count));
        }
    }
    return units;
}

// False for a surrogate without its other half.
bool append_units(std::string& out, const std::vector<std::uint16_t>& units)
{
    for (std::size_t i = 0; i < units.size(); ++i) {
        std::uint32_t code = units[i];
        if (code >= 0xd800 && code < 0xe000) {
            bool is_pair = code < 0xdc00 && i + 1 < units.size() && units[i + 1] >= 0xdc00 && units[i + 1] < 0xe000;
            if (!is_pair)
                return false;
            code = 0x10000 + ((code - 0xd800) << 10) + (units[++i] - 0xdc00u);
        }
        append_utf8(out, code);
    }
    return true;
}

}  // namespace

std::optional<std::string> encode_utf7(std::string_view utf8)
{
    if (!is_utf8(utf8))
        return std::nullopt;
    std::string out;
    while (!utf8.empty()) {
        if (is_direct(utf8.front())) {
            out.append(utf8.front() == '&' ? "&-" : utf8.substr(0, 1));
            utf8.remove_prefix(1);
            continue;
        }
        std::vector<std::uint16_t> units;
        while (!utf8.empty() && !is_direct(utf8.front())) {
            auto code = take_code(utf8);
            if (code >= 0x10000) {
                units.push_back(static_cast<std::uint16_t>(0xd800 + ((code - 0x10000) >> 10)));
                code = 0xdc00 + ((code - 0x10000) & 0x3ff);
            }
            units.push_back(static_cast<std::uint16_t>(code));
        }
        out += cat("&", base64_of(units), "-");
    }
    return out;
}

std::optional<std::string> decode_utf7(std::string_view name)
{
    std::string out;
    for (auto rest = name; !rest.empty();) {
        if (rest.front() != '&') {
            if (!is_direct(rest.front()))
                return std::nullopt;
            out.push_back(rest.front());
            rest.remove_prefix(1);
            continue;
        }
        auto end = rest.find('-');
        if (end == std::string_view::npos)
            return std::nullopt;
        auto units = units_of(rest.substr(1, end - 1));
        if (!units || !append_units(out, *units))
            return std::nullopt;
        if (end == 1)
            out.push_back('&');
        rest.remove_prefix(end + 1);
    }
    // Canonical is what we would have written ourselves.
    if (encode_utf7(out) != name)
        return std::nullopt;
    return out;
}

}  // namespace mta::imap
