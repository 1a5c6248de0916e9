// Covers: lib/imap/fetch.cc
#include "imap/fetch.h"

#include "base/text.h"
#include "t/fuzz/lib/imap_response.h"
#include "t/fuzz/lib/target.h"
#include "mime/crlf.h"
#include "mime/header.h"

// FETCH items, and the sections of a message that they ask for.
namespace {

using namespace mta;

void check_section(const imap::FetchItem& item, std::string_view message, const mime::Part& root)
{
    const auto& section = item.section;
    auto text = imap::read_section(message, root, section);
    const auto* part = imap::find_part(root, section.path);
    if (!text)
        return;
    HOLDS(part != nullptr);
    using What = imap::Section::What;
    bool is_piece = section.what != What::fields && section.what != What::fields_not;
    HOLDS(!is_piece || message.find(*text) != std::string_view::npos);
    HOLDS(text->size() <= message.size() + 4);
    if (!section.needs_only_header() || !section.path.empty())
        return;
    auto header = message.substr(0, mime::header_size(message));
    HOLDS(imap::read_header_section(header, section) == *text);
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    auto command = in.text('\0');
    imap::Parser parser(command);
    auto items = imap::parse_fetch_items(parser);
    if (!parser.finish())
        return;
    HOLDS(!items.empty() && items.size() <= imap::max_fetch_items);
    mime::CrlfText message(in.rest());
    auto root = mime::parse_structure(message.view());
    for (const auto& item : items) {
        fuzz::check_imap_values(item.label);
        if (item.kind == imap::FetchItem::Kind::section)
            check_section(item, message.view(), root);
    }
}
