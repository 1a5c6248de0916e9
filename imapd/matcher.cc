#include "imapd/matcher.h"

#include <algorithm>

#include "base/text.h"
#include "imapd/text_search.h"
#include "mime/charset.h"
#include "mime/date.h"
#include "mime/header.h"

namespace mta::imapd {

namespace {

using Kind = imap::SearchKey::Kind;

constexpr int header_cost = 2;

// What has to be read to know it: nothing, perhaps date or size, the header, the text.
int cost_of(Kind kind)
{
    switch (kind) {
    case Kind::before:
    case Kind::on:
    case Kind::since:
    case Kind::larger:
    case Kind::smaller: return 1;
    case Kind::header:
    case Kind::sent_before:
    case Kind::sent_on:
    case Kind::sent_since: return header_cost;
    case Kind::body:
    case Kind::text: return 3;
    default: return 0;
    }
}

// RFC 3501 section 6.4.4: the date as it is written, whatever the time and zone.
bool matches_day(Kind kind, std::int64_t day, std::int64_t wanted)
{
    switch (kind) {
    case Kind::before:
    case Kind::sent_before: return day < wanted;
    case Kind::on:
    case Kind::sent_on: return day == wanted;
    default: return day >= wanted;
    }
}

std::int64_t day_of(const mime::DateTime& time) { return mime::days_since_1970(time.year, time.month, time.day); }

std::int64_t internal_day(std::time_t time) { return day_of(mime::DateTime::from_unix(time, mime::local_zone(time))); }

bool matches_sent(Kind kind, std::string_view header, std::int64_t wanted)
{
    auto field = mime::Header(header).find("Date");
    auto date = field ? mime::parse_date(field->value) : std::nullopt;
    return date && matches_day(kind, day_of(*date), wanted);
}

}  // namespace

Matcher::Matcher(const imap::SearchKey& key, maildir::Folder& folder, OpenText open_text)
    : folder_(folder), open_text_(std::move(open_text)), root_(prepare(key))
{
}

Matcher::Prepared Matcher::prepare(const imap::SearchKey& key) const
{
    Prepared result{key.kind, &key, {}, {}, 0, {}, cost_of(key.kind)};
    const auto& messages = folder_.messages();
    if (key.kind == Kind::sequence)
        result.ranges = key.set.resolve(static_cast<std::uint32_t>(messages.size()));
    else if (key.kind == Kind::uids)
        result.ranges = key.set.resolve(messages.empty() ? 0 : messages.back().uid);
    else if (key.kind == Kind::keyword)
        for (std::size_t bit = 0; bit < folder_.keywords().size(); ++bit)
            result.keyword |= iequals(folder_.keywords()[bit], key.value) ? maildir::Keywords{1} << bit : 0;
    else
        result.value = mime::fold_case(key.value);
    for (const auto& inner : key.keys) {
        result.keys.push_back(prepare(inner));
        result.cost = std::max(result.cost, result.keys.back().cost);
    }
    std::stable_sort(result.keys.begin(), result.keys.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; });
    return result;
}

bool Matcher::matches(std::size_t place) { return matches(root_, place); }

bool Matcher::matches(const Prepared& key, std::size_t place)
{
    const auto& message = folder_.messages()[place];
    auto inner = [&](const Prepared& next) { return matches(next, place); };
    switch (key.kind) {
    case Kind::all: return true;
    case Kind::and_: return std::all_of(key.keys.begin(), key.keys.end(), inner);
    case Kind::or_: return std::any_of(key.keys.begin(), key.keys.end(), inner);
    case Kind::not_: return !inner(key.keys.front());
    case Kind::sequence: return imap::contains(key.ranges, static_cast<std::uint32_t>(place + 1));
    case Kind::uids: return imap::contains(key.ranges, message.uid);
    case Kind::flag: return message.flags & key.key->flag;
    case Kind::keyword: return message.keywords & key.keyword;
    case Kind::recent: return message.is_recent;
    case Kind::before:
    case Kind::on:
    case Kind::since: return matches_date(key, message);
    case Kind::larger:
    case Kind::smaller: return matches_size(key, message);
    default: return matches_text(key, message);
    }
}

bool Matcher::matches_date(const Prepared& key, const maildir::Message& message)
{
    auto date = folder_.internal_date(message.uid);
    return date && matches_day(key.kind, internal_day(*date), key.key->day);
}

bool Matcher::matches_size(const Prepared& key, const maildir::Message& message)
{
    auto size = folder_.crlf_size(message.uid);
    if (!size)
        return false;
    return key.kind == Kind::larger ? *size > key.key->number : *size < key.key->number;
}

bool Matcher::matches_text(const Prepared& key, const maildir::Message& message)
{
    auto* text = open_text_(message.uid, cost_of(key.kind) == header_cost);
    if (text == nullptr)
        return false;
    switch (key.kind) {
    case Kind::header: return field_contains(text->header(), key.key->name, key.value);
    case Kind::body: return body_contains(text->whole(), text->structure(), key.value);
    case Kind::text: return header_contains(text->header(), key.value) || body_contains(text->whole(), text->structure(), key.value);
    default: return matches_sent(key.kind, text->header(), key.key->day);
    }
}

}  // namespace mta::imapd
