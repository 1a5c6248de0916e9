#include "mime/transfer.h"

#include <array>
#include <cstdint>

#include "base/text.h"
#include "mime/lexer.h"

namespace mta::mime {

namespace {

constexpr std::array<std::int8_t, 256> make_base64_values()
{
    std::array<std::int8_t, 256> values{};
    for (auto& value : values)
        value = -1;
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    return values;
}

constexpr auto base64_values = make_base64_values();

int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// RFC 2045 section 6.7 rule 3: white space at the end of a line was added on the way.
std::string_view without_trailing_blanks(std::string_view line)
{
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t'))
        line.remove_suffix(1);
    return line;
}

void decode_quoted_line(std::string_view line, std::string& out)
{
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '=' && i + 2 < line.size() && hex_value(line[i + 1]) >= 0 && hex_value(line[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_value(line[i + 1]) * 16 + hex_value(line[i + 2])));
            i += 2;
        } else {
            out.push_back(line[i]);
        }
    }
}

}  // namespace

Encoding parse_encoding(std::string_view field_value)
{
    auto plain = without_comments(field_value);
    auto word = trim(plain);
    if (iequals(word, "base64"))
        return Encoding::base64;
    return iequals(word, "quoted-printable") ? Encoding::quoted_printable : Encoding::identity;
}

std::string decode(std::string_view bytes, Encoding encoding)
{
    switch (encoding) {
    case Encoding::base64: return decode_base64(bytes);
    case Encoding::quoted_printable: return decode_quoted_printable(bytes);
    case Encoding::identity: break;
    }
    return std::string(bytes);
}

std::string decode_base64(std::string_view text)
{
    std::string out;
    out.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t bits = 0;
    int count = 0;
    for (char c : text) {
        if (c == '=') {  // more may follow: several encoded texts in a row
            bits = 0;
            count = 0;
            continue;
        }
        auto value = base64_values[static_cast<unsigned char>(c)];
        if (value < 0)
            continue;
        bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out.push_back(static_cast<char>(bits >> count & 0xff));
        }
    }
    return out;
}

std::string decode_quoted_printable(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        auto end = text.find('\n');
        auto line = text.substr(0, end);
        bool is_last = end == std::string_view::npos;
        text.remove_prefix(is_last ? text.size() : end + 1);
        bool has_cr = !is_last && line.ends_with('\r');
        if (has_cr)
            line.remove_suffix(1);
        line = without_trailing_blanks(line);
        bool is_soft = line.ends_with('=');
        if (is_soft)
            line.remove_suffix(1);
        decode_quoted_line(line, out);
        if (!is_soft && !is_last)
            out.append(has_cr ? "\r\n" : "\n");
    }
    return out;
}

std::string encode_quoted_printable(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::size_t max_column = 75;  // and a "=" behind it
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto byte = static_cast<unsigned char>(text[i]);
        if (byte == '\n') {
            out += '\n';
            column = 0;
            continue;
        }
        bool is_at_end = i + 1 == text.size() || text[i + 1] == '\n';
        bool is_blank = byte == ' ' || byte == '\t';
        bool is_plain = is_blank ? !is_at_end : byte > ' ' && byte < 127 && byte != '=';
        std::size_t width = is_plain ? 1 : 3;
        if (column + width > max_column) {
            out += "=\n";
            column = 0;
        }
        column += width;
        if (is_plain)
            out += text[i];
        else
            out += cat('=', digits[byte >> 4], digits[byte & 15]);
    }
    return out;
}

}  // namespace mta::mime
