// Covers: lib/mime/charset.cc lib/base/text.cc
#include "mime/charset.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"

// Character sets and UTF-8, and what makes text harmless in a log line.
namespace {

using namespace mta;

// RFC 3629, one character after the other.
bool slow_is_utf8(std::string_view text)
{
    for (std::size_t i = 0; i < text.size();) {
        auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
        auto lead = byte(i);
        std::size_t size = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
        if (size == 0)
            return false;
        for (std::size_t k = 1; k < size; ++k)
            if ((byte(i + k) & 0xc0) != 0x80)
                return false;
        auto second = byte(i + 1);
        if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0) || (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90))
            return false;
        i += size;
    }
    return true;
}

void check_printable(std::string_view text)
{
    auto clean = printable(text);
    HOLDS(is_utf8(clean) && printable(clean) == clean && clean.size() <= text.size());
    HOLDS(std::none_of(clean.begin(), clean.end(), [](char c) { return (c >= 0 && c < ' ') || c == 127; }));
    bool is_plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 127; });
    HOLDS(!is_plain || clean == text);
}

}  // namespace

FUZZ(input)
{
    HOLDS(is_utf8(input) == slow_is_utf8(input));
    check_printable(input);
    HOLDS(is_utf8(mime::guess_utf8(input)) && (!is_utf8(input) || mime::guess_utf8(input) == input));

    fuzz::Input in(input);
    auto charset = in.text('\n');
    auto text = mime::to_utf8(in.rest(), charset);
    HOLDS(text.has_value() == mime::is_known_charset(charset));
    if (text)
        HOLDS(is_utf8(*text) && mime::to_utf8(in.rest(), charset) == text);  // the converters stay open from one to the next
    if (!is_utf8(input))
        return;
    auto folded = mime::fold_case(input);
    HOLDS(is_utf8(folded) && mime::fold_case(folded) == folded);
}
