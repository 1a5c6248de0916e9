#include <algorithm>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "imap/structure.h"
#include "imapd/session.h"
#include "log/log.h"
#include "mime/date.h"

namespace mta::imapd {

namespace {

using imap::FetchItem;
using Kind = FetchItem::Kind;

constexpr std::size_t piece_bytes = 128ul * 1024;
constexpr std::size_t batch_messages = 100;  // marked as seen at once, before they are sent

bool needs_text(const FetchItem& item)
{
    return item.kind == Kind::envelope || item.kind == Kind::body || item.kind == Kind::body_structure || item.kind == Kind::section;
}

bool needs_more_than_header(const FetchItem& item)
{
    return needs_text(item) && item.kind != Kind::envelope && !item.section.needs_only_header();
}

bool has(const std::vector<FetchItem>& items, Kind kind)
{
    return std::any_of(items.begin(), items.end(), [&](const FetchItem& item) { return item.kind == kind; });
}

FetchItem simple(Kind kind, std::string_view label)
{
    FetchItem item;
    item.kind = kind;
    item.label = label;
    return item;
}

std::string internal_date(std::time_t time)
{
    return mime::format_internal_date(mime::DateTime::from_unix(time, mime::local_zone(time)));
}

bool is_whole(const imap::Section& section) { return section.path.empty() && section.what == imap::Section::What::all; }
bool is_body(const imap::Section& section) { return section.path.empty() && section.what == imap::Section::What::text; }

// A run of the whole message's text.
struct Run {
    std::uint64_t offset = 0, size = 0;
};

Run part_of(Run run, const std::optional<FetchItem::Partial>& partial)
{
    if (!partial)
        return run;
    auto skipped = std::min<std::uint64_t>(partial->offset, run.size);
    return {run.offset + skipped, std::min<std::uint64_t>(partial->count, run.size - skipped)};
}

// Writes the items that are made of a message's text. What is large goes to the client piece by piece.
class TextWriter {
public:
    TextWriter(net::Stream& client, MessageText& text) : client_(client), text_(text) {}

    void write(const FetchItem& item)
    {
        if (item.kind == Kind::envelope)
            client_.write(imap::envelope(text_.header(), text_.limits()));
        else if (item.kind == Kind::section)
            section(item);
        else
            client_.write(imap::body_structure(text_.whole(), text_.structure(), item.kind == Kind::body_structure, text_.limits()));
    }

private:
    void section(const FetchItem& item)
    {
        const auto& wanted = item.section;
        if (is_whole(wanted))
            return run(part_of({0, text_.size()}, item.partial));
        if (is_body(wanted)) {
            auto begin = text_.header().size();
            return run(part_of({begin, text_.size() - begin}, item.partial));
        }
        auto bytes = wanted.needs_only_header() ? imap::read_header_section(text_.header(), wanted)
                                                : imap::read_section(text_.whole(), text_.structure(), wanted);
        if (!bytes)
            return client_.write("NIL");
        auto shown = part_of({0, bytes->size()}, item.partial);
        client_.write(cat("{", shown.size, "}\r\n"));
        client_.write(std::string_view(*bytes).substr(shown.offset, shown.size));
    }

    void run(Run run)
    {
        client_.write(cat("{", run.size, "}\r\n"));
        while (run.size > 0) {
            auto count = std::min<std::uint64_t>(run.size, piece_bytes);
            client_.write(text_.read(run.offset, static_cast<std::size_t>(count)));
            run.offset += count;
            run.size -= count;
        }
    }

    net::Stream& client_;
    MessageText& text_;
};

// Reads what the items need, as far as it is not streamed: an error must come before the response begins.
void read_ahead(MessageText& text, const std::vector<FetchItem>& items)
{
    for (const auto& item : items) {
        if (!needs_text(item) || (item.kind == Kind::section && is_whole(item.section)))
            continue;
        if (item.kind == Kind::envelope || is_body(item.section) || item.section.needs_only_header())
            text.header();
        else
            text.structure();
    }
}

}  // namespace

// RFC 3501 section 6.4.5.
void Session::fetch(imap::Parser& arguments)
{
    arguments.space();
    auto set = arguments.sequence_set();
    arguments.space();
    auto items = imap::parse_fetch_items(arguments);
    if (are_arguments_bad(arguments))
        return;
    if (is_uid_command_ && !has(items, Kind::uid))  // section 6.4.8
        items.insert(items.begin(), simple(Kind::uid, "UID"));
    if (auto places = find_messages(set))
        fetch_messages(*places, items);
}

void Session::fetch_messages(const std::vector<std::size_t>& places, const std::vector<FetchItem>& items)
{
    bool sets_seen = !folder_->is_read_only() && std::any_of(items.begin(), items.end(), [](const auto& item) { return item.sets_seen; });
    auto items_and_flags = items;
    if (!has(items, Kind::flags))
        items_and_flags.push_back(simple(Kind::flags, "FLAGS"));
    bool is_some_gone = false, is_some_unreadable = false;
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (sets_seen && i % batch_messages == 0)
            mark_seen(std::span(places).subspan(i, std::min(batch_messages, places.size() - i)));
        bool is_newly_seen = std::binary_search(newly_seen_.begin(), newly_seen_.end(), folder_->messages()[places[i]].uid);
        auto told = fetch_message(places[i], is_newly_seen ? items_and_flags : items);
        is_some_gone |= told == Told::gone;
        is_some_unreadable |= told == Told::unreadable;
    }
    newly_seen_.clear();
    if (is_some_unreadable)
        return no("[SERVERBUG] Some of the messages cannot be read");
    // RFC 2180 section 4.1; UIDs that do not exist are no error.
    ok(is_some_gone && !is_uid_command_ ? "[EXPUNGEISSUED] Some of the messages were expunged by others" : "FETCH completed");
}

// Fetching a body sets \Seen, and the response must say so.
void Session::mark_seen(std::span<const std::size_t> places)
{
    newly_seen_.clear();
    for (auto place : places) {
        const auto& message = folder_->messages()[place];
        if (!(message.flags & maildir::seen) && !message.is_expunged)
            newly_seen_.push_back(message.uid);
    }
    if (newly_seen_.empty())
        return;
    auto gone = folder_->change_flags(newly_seen_, maildir::FlagChange::add, maildir::seen, {});
    if (!gone) {  // reading is possible all the same
        log::warning("mailbox ", printable(folder_->name()), ": ", gone.error().text);
        return newly_seen_.clear();
    }
    has_unsynced_flags_ = true;
    tell_new_keywords();
}

// The text of a message, or null and why not.
std::pair<MessageText*, Session::Told> Session::open_text(maildir::Uid uid, Extent extent)
{
    if (last_text_ && last_text_->uid() == uid && (extent == Extent::header || last_text_->has_body()))
        return {&*last_text_, Told::yes};
    auto text = read_text(uid, extent);
    if (!text) {
        if (text.error().status == maildir::message_gone)
            return {nullptr, Told::gone};
        log::warning("mailbox ", printable(folder_->name()), ": ", text.error().text);
        return {nullptr, Told::unreadable};
    }
    last_text_.emplace(std::move(*text));
    return {&*last_text_, Told::yes};
}

Result<MessageText> Session::read_text(maildir::Uid uid, Extent extent)
{
    auto limits = params_.mime_limits();
    if (extent == Extent::header) {
        auto header = folder_->header(uid);
        return header ? Result<MessageText>(MessageText(uid, std::move(*header), limits)) : header.error();
    }
    auto body = folder_->open(uid);
    return body ? Result<MessageText>(MessageText(uid, std::move(*body), limits)) : body.error();
}

// Opens and reads what the response needs, so that nothing can fail once it has begun (but a disk that breaks just then).
Session::Told Session::prepare(const maildir::Message& message, const std::vector<FetchItem>& items, Prepared& prepared)
{
    auto told = [](const Error& error) { return error.status == maildir::message_gone ? Told::gone : Told::unreadable; };
    if (std::any_of(items.begin(), items.end(), needs_text))
        if (auto done = prepare_text(message.uid, items, prepared); done != Told::yes)
            return done;
    if (has(items, Kind::size)) {
        bool is_known = prepared.text != nullptr && prepared.text->has_body();
        auto size = is_known ? Result<std::uint64_t>(prepared.text->size()) : folder_->crlf_size(message.uid);
        if (!size)
            return told(size.error());
        prepared.size = *size;
    }
    if (has(items, Kind::internal_date)) {
        auto date = folder_->internal_date(message.uid);
        if (!date)
            return told(date.error());
        prepared.date = *date;
    }
    return Told::yes;
}

Session::Told Session::prepare_text(maildir::Uid uid, const std::vector<FetchItem>& items, Prepared& prepared)
{
    bool is_header_enough = std::none_of(items.begin(), items.end(), needs_more_than_header);
    auto [text, told] = open_text(uid, is_header_enough ? Extent::header : Extent::whole);
    if (text == nullptr)
        return told;
    prepared.text = text;
    try {
        read_ahead(*text, items);
    } catch (const std::system_error& error) {
        log::warning("mailbox ", printable(folder_->name()), ": ", error.what());
        last_text_.reset();
        return Told::unreadable;
    }
    return Told::yes;
}

Session::Told Session::fetch_message(std::size_t place, const std::vector<FetchItem>& items)
{
    const auto& message = folder_->messages()[place];
    Prepared prepared;
    if (auto told = prepare(message, items, prepared); told != Told::yes)
        return told;
    client_.write(cat("* ", place + 1, " FETCH ("));
    std::string_view before;
    for (const auto& item : items) {
        client_.write(cat(std::exchange(before, " "), item.label, " "));
        switch (item.kind) {
        case Kind::uid: client_.write(cat(message.uid)); break;
        case Kind::flags: client_.write(cat("(", flags_of(message), ")")); break;
        case Kind::internal_date: client_.write(cat("\"", internal_date(prepared.date), "\"")); break;
        case Kind::size: client_.write(cat(prepared.size)); break;
        default: TextWriter(client_, *prepared.text).write(item);
        }
    }
    client_.write(")\r\n");
    return Told::yes;
}

}  // namespace mta::imapd
