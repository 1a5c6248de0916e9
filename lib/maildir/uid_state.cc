#include "maildir/uid_state.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/checksum.h"

namespace mta::maildir {
namespace {

constexpr std::size_t crc_digits = 8;
constexpr std::string_view header_start = "buuta-uidlist 1 ";

std::string hex(std::uint64_t number, std::size_t digits = 1)
{
    char buffer[16];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, 16).ptr;
    std::string text(buffer, end);
    return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

// The number that is the first of the words; removes it. Lists are long, so this makes one pass.
template <class Number>
bool read(std::string_view& words, Number& number, int base = 10)
{
    const auto* const begin = words.data();
    const auto* const end = begin + words.size();
    const auto [rest, error] = std::from_chars(begin, end, number, base);
    if (error != std::errc{} || (rest != end && *rest != ' '))
        return false;
    words.remove_prefix(static_cast<std::size_t>(rest - begin) + (rest != end));
    return true;
}

bool read(std::string_view& words, std::optional<std::uint64_t>& number)
{
    number.reset();
    if (words == "-" || words.starts_with("- ")) {
        words.remove_prefix(std::min<std::size_t>(2, words.size()));
        return true;
    }
    return read(words, number.emplace());
}

bool read(std::string_view& words, std::optional<Facts>& facts)
{
    constexpr std::string_view unknown = "- - - ";
    facts.reset();
    if (words.starts_with(unknown)) {
        words.remove_prefix(unknown.size());
        return true;
    }
    auto& known = facts.emplace();
    return read(words, known.date) && read(words, known.size) && read(words, known.crlf_size);
}

bool read_path(std::string_view words, Record& record)
{
    if (!words.starts_with("new/") && !words.starts_with("cur/"))
        return false;
    record.is_new = words[0] == 'n';
    record.name = words.substr(4);
    return !record.name.empty() && record.name.find('/') == std::string::npos;
}

// The text of the line, if its checksum is right.
std::optional<std::string_view> checked(std::string_view line)
{
    if (line.size() <= crc_digits || line[crc_digits] != ' ')
        return std::nullopt;
    const auto text = line.substr(crc_digits + 1);
    if (parse_number<std::uint32_t>(line.substr(0, crc_digits), 16) != crc32c(text))
        return std::nullopt;
    return text;
}

}  // namespace

Record* UidState::find(Uid uid)
{
    const auto at = std::lower_bound(records.begin(), records.end(), uid, [](auto& record, Uid u) { return record.uid < u; });
    return at == records.end() || at->uid != uid || at->is_gone ? nullptr : &*at;
}

std::optional<std::size_t> UidState::keyword_bit(std::string_view name) const
{
    for (std::size_t bit = 0; bit < keywords.size(); ++bit)
        if (!keywords[bit].empty() && iequals(keywords[bit], name))
            return bit;
    return std::nullopt;
}

void UidState::purge()
{
    if (!std::exchange(has_gone_, false))
        return;
    std::erase_if(records, [](auto& record) { return record.is_gone; });
}

bool UidState::add(std::string_view words)
{
    Record record;
    if (!read(words, record.uid) || !read(words, record.inode) || !read(words, record.facts) || !read(words, record.keywords, 16) ||
        !read_path(words, record))
        return false;
    if (record.uid <= last_added_ || (!records.empty() && record.uid <= records.back().uid))  // the last one may be gone, and dropped
        return false;
    last_added_ = record.uid;
    next = std::max(next, record.uid + 1);
    records.push_back(std::move(record));
    return true;
}

// The lines that change one message, wholly or not at all; those about a message that is not known have nothing to change.
bool UidState::change(char what, std::string_view words)
{
    Uid uid = 0;
    if (!read(words, uid))
        return false;
    Record ignored, read_now;
    Record* found = find(uid);
    Record& record = found ? *found : ignored;
    switch (what) {
    case '=':
        if (!read(words, read_now.inode) || !read_path(words, read_now))
            return false;
        record.inode = read_now.inode;
        record.is_new = read_now.is_new;
        record.name = std::move(read_now.name);
        return true;
    case 'f': return read(words, record.keywords, 16);
    case 'd':
        if (!read(words, read_now.facts))
            return false;
        record.facts = read_now.facts;
        return true;
    default:
        if (!words.empty())
            return false;
        record.is_gone = has_gone_ = true;
        return true;
    }
}

bool UidState::apply(std::string_view text, std::string_view boot)
{
    if (text.starts_with(header_start))
        return parse_number<std::uint32_t>(text.substr(header_start.size())).value_or(0) == uid_validity;
    if (text.size() < 3 || text[1] != ' ')
        return false;
    auto words = text.substr(2);
    Uid uid = 0;
    std::size_t bit = 0;
    switch (text[0]) {
    case '+': return add(words);
    case '=':
    case 'f':
    case 'd':
    case '-': return change(text[0], words);
    case 'n':
        if (!read(words, uid))
            return false;
        reserved = std::max(reserved, uid);
        // The machine has been down since: later lines may be lost, so what may have been shown is used up.
        if (words != boot)
            next = std::max(next, reserved);
        return true;
    case 'u':
        if (!read(words, uid))
            return false;
        next = std::max(next, uid);
        return true;
    case 'r':
        return read(words, first_recent);
    case 'k':
        if (!read(words, bit) || bit >= max_keywords)
            return false;
        keywords.resize(std::max(keywords.size(), bit + 1));
        keywords[bit] = words;
        return true;
    case 'c':
        return read(words, mark.times.new_time) && read(words, mark.times.cur_time) && read(words, mark.since);
    default: return false;
    }
}

// Leaves room for the checksum.
std::size_t Lines::begin_line()
{
    const auto begin = text_.size();
    text_.append(crc_digits + 1, ' ');
    return begin;
}

void Lines::end_line(std::size_t begin)
{
    const auto checksum = crc32c(std::string_view(text_).substr(begin + crc_digits + 1));
    text_.replace(begin, crc_digits, hex(checksum, crc_digits));
    text_ += '\n';
}

void Lines::add(const Record& record)
{
    line("+ ", record.uid, ' ', record.inode, ' ', words_of(record.facts), ' ', hex(record.keywords), ' ', record.is_new ? "new/" : "cur/",
         record.name);
}

std::string Lines::words_of(const std::optional<Facts>& facts)
{
    if (!facts)
        return "- - -";
    auto words = cat(facts->date, ' ', facts->size, ' ');
    facts->crlf_size ? append(words, *facts->crlf_size) : append(words, '-');
    return words;
}

void Lines::set_keywords(Uid uid, Keywords keywords) { line("f ", uid, ' ', hex(keywords)); }

Lines snapshot(const UidState& state, std::string_view boot)
{
    Lines lines;
    lines.header(state.uid_validity);
    lines.reserve(state.reserved, boot);
    lines.next(state.next);
    lines.first_recent(state.first_recent);
    for (std::size_t bit = 0; bit < state.keywords.size(); ++bit)
        lines.keyword(bit, state.keywords[bit]);
    for (const auto& record : state.records)
        if (!record.is_gone)
            lines.add(record);
    lines.mark(state.mark);
    return lines;
}

ParsedList apply_lines(UidState& state, std::string_view text, bool is_start, std::string_view boot)
{
    constexpr std::size_t usual_line_bytes = 96;
    ParsedList result;
    if (is_start)
        state.records.reserve(text.size() / usual_line_bytes);
    for (bool is_first = is_start; result.complete < text.size(); is_first = false) {
        const auto end = text.find('\n', result.complete);
        if (end == std::string_view::npos)
            break;
        const auto words = checked(text.substr(result.complete, end - result.complete));
        result.complete = end + 1;
        if (is_first && words && words->starts_with(header_start)) {
            state.uid_validity = parse_number<std::uint32_t>(words->substr(header_start.size())).value_or(0);
            result.has_header = state.uid_validity != 0;
        }
        const bool is_good = words && state.apply(*words, boot);
        result.is_damaged_inside |= result.is_damaged && is_good;
        result.is_damaged |= !is_good;
        ++state.lines;
    }
    result.is_damaged |= result.complete < text.size();
    state.purge();
    return result;
}

}  // namespace mta::maildir
