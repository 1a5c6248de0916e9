#include "imap/write.h"

#include <algorithm>

#include "base/text.h"
#include "imap/parser.h"
#include "mime/words.h"

namespace mta::imap {

namespace {

constexpr std::size_t max_quoted_bytes = 1000;

bool can_be_quoted(std::string_view text)
{
    return text.size() <= max_quoted_bytes &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0 && c != '\r' && c != '\n'; });
}

}  // namespace

void append_string(std::string& out, std::string_view text)
{
    if (!can_be_quoted(text)) {
        out += cat("{", text.size(), "}\r\n");
        auto begin = static_cast<std::ptrdiff_t>(out.size());
        out.append(text);
        std::replace(out.begin() + begin, out.end(), '\0', '\x80');
        return;
    }
    out.push_back('"');
    for (char c : text) {
        if (c == '"' || c == '\\')
            out.push_back('\\');
        out.push_back(c);
    }
    out.push_back('"');
}

void append_nstring(std::string& out, const std::optional<std::string>& text)
{
    if (text)
        append_string(out, *text);
    else
        out.append("NIL");
}

void append_astring(std::string& out, std::string_view text)
{
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_atom_char) && !iequals(text, "NIL"))
        out.append(text);
    else
        append_string(out, text);
}

void append_header_text(std::string& out, std::string_view text)
{
    append_string(out, is_ascii(text) ? std::string(text) : mime::encode_words(text));
}

}  // namespace mta::imap
