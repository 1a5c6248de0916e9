#include "imapd/text_search.h"

#include "base/text.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/transfer.h"
#include "mime/words.h"

namespace mta::imapd {

namespace {

bool contains(std::string_view utf8, std::string_view wanted)
{
    // ASCII letters are found without folding the rest.
    if (is_ascii(wanted))
        return lower(utf8).find(wanted) != std::string::npos;
    return mime::fold_case(utf8).find(wanted) != std::string::npos;
}

// The part's text as UTF-8.
std::string decoded_body(std::string_view message, const mime::Part& part)
{
    auto encoding = mime::Header(part.header_of(message)).value("Content-Transfer-Encoding").value_or("");
    auto bytes = mime::decode(part.body_of(message), mime::parse_encoding(encoding));
    auto charset = mime::parameter(part.type.parameters, "charset").value_or("us-ascii");
    auto utf8 = mime::to_utf8(bytes, charset);
    return utf8 ? *utf8 : mime::guess_utf8(bytes);
}

}  // namespace

bool field_contains(std::string_view header, std::string_view name, std::string_view wanted)
{
    for (const mime::Field& field : mime::Header(header))
        if (field.is(name) && (wanted.empty() || contains(mime::decode_words(field.value), wanted)))
            return true;
    return false;
}

bool header_contains(std::string_view header, std::string_view wanted)
{
    for (const mime::Field& field : mime::Header(header))
        if (contains(cat(field.name, ":", mime::decode_words(field.value)), wanted))
            return true;
    return false;
}

bool body_contains(std::string_view message, const mime::Part& root, std::string_view wanted)
{
    if (root.parts.empty())
        return root.type.type == "text" && contains(decoded_body(message, root), wanted);
    for (const auto& part : root.parts)
        if (header_contains(part.header_of(message), wanted) || body_contains(message, part, wanted))
            return true;
    return false;
}

}  // namespace mta::imapd
