// Covers: lib/mime/transfer.cc lib/base/encode.cc
#include "base/encode.h"
#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "mime/transfer.h"

// base64, quoted-printable, hexadecimal, xtext: what was encoded decodes to itself; the strict decoders take one form only.
namespace {

using namespace mta;

void check_quoted_printable(std::string_view text)
{
    auto encoded = mime::encode_quoted_printable(text);
    for (auto line : split(encoded, '\n'))
        HOLDS(line.size() <= 76 && (line.empty() || (line.back() != ' ' && line.back() != '\t')));
    HOLDS(std::all_of(encoded.begin(), encoded.end(), [](char c) { return c == '\n' || c == '\t' || (c >= ' ' && c <= '~'); }));
    HOLDS(mime::decode_quoted_printable(encoded) == text);
    HOLDS(mime::decode_quoted_printable(text).size() <= text.size());
}

void check_base64(std::string_view text)
{
    auto encoded = base64_encode(text);
    HOLDS(base64_decode(encoded) == text && mime::decode_base64(encoded) == text);
    std::string folded;
    for (std::size_t i = 0; i < encoded.size(); i += 76)
        folded += encoded.substr(i, 76) + "\r\n";
    HOLDS(mime::decode(folded, mime::Encoding::base64) == text);
    if (auto decoded = base64_decode(text)) {
        HOLDS(base64_encode(*decoded) == text);
        HOLDS(mime::decode_base64(text) == *decoded);
    }
    HOLDS(mime::decode_base64(text).size() <= text.size() / 4 * 3 + 3);
}

void check_others(std::string_view text)
{
    HOLDS(hex_decode(hex_encode(text)) == text);
    if (auto decoded = hex_decode(text))
        HOLDS(hex_encode(*decoded) == lower(text));
    HOLDS(xtext_decode(xtext_encode(text)) == text);
    if (auto decoded = xtext_decode(text))
        HOLDS(decoded->size() <= text.size());
}

}  // namespace

FUZZ(input)
{
    check_quoted_printable(input);
    check_base64(input);
    check_others(input);
    HOLDS(mime::decode(input, mime::Encoding::identity) == input);
    mime::decode(input, mime::parse_encoding(input.substr(0, 20)));
}
