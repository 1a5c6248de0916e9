#include "imap/fetch.h"

#include <algorithm>

#include "base/text.h"
#include "imap/write.h"
#include "mime/header.h"

namespace mta::imap {

namespace {

using Kind = FetchItem::Kind;
using What = Section::What;

struct Name {
    std::string_view name;
    Kind kind;
};
constexpr Name simple_names[] = {
    {"ENVELOPE", Kind::envelope}, {"FLAGS", Kind::flags}, {"INTERNALDATE", Kind::internal_date},
    {"RFC822.SIZE", Kind::size}, {"UID", Kind::uid}, {"BODYSTRUCTURE", Kind::body_structure}};

FetchItem simple(Kind kind, std::string_view label)
{
    FetchItem item;
    item.kind = kind;
    item.label = label;
    return item;
}

FetchItem old_section(std::string_view label, What what, bool sets_seen)
{
    auto item = simple(Kind::section, label);
    item.section.what = what;
    item.sets_seen = sets_seen;
    return item;
}

void field_list(Parser& parser, Section& section)
{
    parser.space();
    parser.expect('(');
    do
        section.fields.push_back(parser.astring());
    while (parser.take(' '));
    parser.expect(')');
}

// What may stand at the end of a section.
void section_text(Parser& parser, Section& section)
{
    if (parser.take_word("HEADER.FIELDS.NOT")) {
        section.what = What::fields_not;
        field_list(parser, section);
    } else if (parser.take_word("HEADER.FIELDS")) {
        section.what = What::fields;
        field_list(parser, section);
    } else if (parser.take_word("HEADER")) {
        section.what = What::header;
    } else if (parser.take_word("TEXT")) {
        section.what = What::text;
    } else if (!section.path.empty() && parser.take_word("MIME")) {
        section.what = What::mime;
    } else {
        parser.fail("Unknown section");
    }
}

Section parse_section(Parser& parser)
{
    Section section;
    if (parser.peek() == ']')
        return section;
    while (is_digit(parser.peek())) {
        section.path.push_back(parser.number());
        if (section.path.back() == 0)
            parser.fail("Part numbers start with 1");
        if (!parser.take('.'))
            return section;
    }
    section_text(parser, section);
    return section;
}

// The section as it is repeated in the response.
std::string section_label(const Section& section)
{
    std::string out;
    for (auto number : section.path)
        out += cat(out.empty() ? "" : ".", number);
    static constexpr std::string_view names[] = {"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"};
    auto name = names[static_cast<std::size_t>(section.what)];
    if (!name.empty())
        out += cat(out.empty() ? "" : ".", name);
    if (section.fields.empty())
        return out;
    out += " (";
    for (const auto& field : section.fields) {
        if (!out.ends_with('('))
            out.push_back(' ');
        append_astring(out, field);
    }
    return out + ")";
}

void parse_partial(Parser& parser, FetchItem& item)
{
    if (!parser.take('<'))
        return;
    FetchItem::Partial partial;
    partial.offset = parser.number();
    parser.expect('.');
    partial.count = parser.number();
    parser.expect('>');
    if (partial.count == 0)
        parser.fail("A partial fetch asks for one octet at least");
    item.partial = partial;
    item.label += cat("<", partial.offset, ">");
}

// The label has them as they were written; for everything else they are as they are found fast.
void sort_fields(std::vector<std::string>& fields)
{
    for (auto& field : fields)
        field = lower(field);
    std::sort(fields.begin(), fields.end());
}

FetchItem body_item(Parser& parser, bool is_peek)
{
    FetchItem item;
    item.kind = Kind::section;
    item.sets_seen = !is_peek;
    parser.expect('[');
    item.section = parse_section(parser);
    parser.expect(']');
    item.label = cat("BODY[", section_label(item.section), "]");
    sort_fields(item.section.fields);
    parse_partial(parser, item);
    return item;
}

FetchItem parse_item(Parser& parser)
{
    for (const auto& name : simple_names)
        if (parser.take_word(name.name))
            return simple(name.kind, name.name);
    if (parser.take_word("RFC822.HEADER"))
        return old_section("RFC822.HEADER", What::header, false);
    if (parser.take_word("RFC822.TEXT"))
        return old_section("RFC822.TEXT", What::text, true);
    if (parser.take_word("RFC822"))
        return old_section("RFC822", What::all, true);
    if (parser.take_word("BODY.PEEK"))
        return body_item(parser, true);
    if (parser.take_word("BODY"))
        return parser.peek() == '[' ? body_item(parser, false) : simple(Kind::body, "BODY");
    parser.fail("Unknown FETCH item");
    return {};
}

std::optional<std::vector<FetchItem>> parse_macro(Parser& parser)
{
    auto flags = simple(Kind::flags, "FLAGS"), date = simple(Kind::internal_date, "INTERNALDATE"), size = simple(Kind::size, "RFC822.SIZE");
    auto envelope = simple(Kind::envelope, "ENVELOPE"), body = simple(Kind::body, "BODY");
    if (parser.take_word("ALL"))
        return std::vector{flags, date, size, envelope};
    if (parser.take_word("FAST"))
        return std::vector{flags, date, size};
    if (parser.take_word("FULL"))
        return std::vector{flags, date, size, envelope, body};
    return std::nullopt;
}

bool wants(const Section& section, const mime::Field& field)
{
    bool is_named = std::binary_search(section.fields.begin(), section.fields.end(), lower(field.name));
    return section.what == What::fields ? is_named : !is_named && !field.name.empty();
}

// The part `number` of the things inside `part`: of a multipart, or of the message that a message/rfc822 contains.
const mime::Part* child(const mime::Part& part, std::uint32_t number)
{
    using PartKind = mime::Part::Kind;
    if (part.kind == PartKind::multipart)
        return number <= part.parts.size() ? &part.parts[number - 1] : nullptr;
    if (part.kind == PartKind::leaf)
        return nullptr;
    const auto& message = part.parts.front();
    if (message.kind == PartKind::multipart)
        return child(message, number);
    return number == 1 ? &message : nullptr;
}

}  // namespace

std::vector<FetchItem> parse_fetch_items(Parser& parser)
{
    if (auto macro = parse_macro(parser))
        return *macro;
    std::vector<FetchItem> items;
    bool is_list = parser.take('(');
    do {
        auto item = parse_item(parser);
        auto same = std::find_if(items.begin(), items.end(), [&](const FetchItem& other) {
            return other.label == item.label && (!item.partial || other.partial->count == item.partial->count);
        });
        if (same != items.end())
            same->sets_seen |= item.sets_seen;
        else
            items.push_back(std::move(item));
        if (items.size() > max_fetch_items)
            parser.fail("Too many FETCH items");
    } while (is_list && parser.take(' '));
    if (is_list)
        parser.expect(')');
    return items;
}

const mime::Part* find_part(const mime::Part& root, const std::vector<std::uint32_t>& path)
{
    const auto* part = &root;
    for (std::size_t i = 0; i < path.size() && part != nullptr; ++i) {
        // The only part of a message that is no multipart is its body.
        bool is_whole_body = i == 0 && root.kind != mime::Part::Kind::multipart;
        if (is_whole_body)
            part = path[0] == 1 ? &root : nullptr;
        else
            part = child(*part, path[i]);
    }
    return part;
}

std::string read_header_section(std::string_view header, const Section& section)
{
    if (section.what == What::header)
        return std::string(header);
    std::string out;
    for (const mime::Field& field : mime::Header(header)) {
        if (!wants(section, field))
            continue;
        out.append(field.raw);
        if (!out.ends_with('\n'))
            out.append("\r\n");
    }
    return out.append("\r\n");
}

std::optional<std::string> read_section(std::string_view message, const mime::Part& root, const Section& section)
{
    const auto* part = find_part(root, section.path);
    if (part == nullptr)
        return std::nullopt;
    if (section.what == What::mime)
        return std::string(part->header_of(message));
    if (section.what == What::all)
        return std::string(section.path.empty() ? part->whole_of(message) : part->body_of(message));
    if (!section.path.empty()) {  // HEADER and TEXT are those of a message inside
        if (part->kind != mime::Part::Kind::message)
            return std::nullopt;
        part = &part->parts.front();
    }
    if (section.what == What::text)
        return std::string(part->body_of(message));
    return read_header_section(part->header_of(message), section);
}

}  // namespace mta::imap
