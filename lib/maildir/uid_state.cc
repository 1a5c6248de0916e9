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

std::string_view next_word(std::string_view& words)
{
    const auto space = words.find(' ');
    const auto word = words.substr(0, space);
    words.remove_prefix(space == std::string_view::npos ? words.size() : space + 1);
    return word;
}

template <class Number>
bool read(std::string_view& words, Number& number, int base = 10)
{
    const auto parsed = parse_number<Number>(next_word(words), base);
    if (parsed)
        number = *parsed;
    return parsed.has_value();
}

bool read(std::string_view& words, std::optional<std::uint64_t>& number)
{
    const auto word = next_word(words);
    number = parse_number<std::uint64_t>(word);
    return number || word == "-";
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

std::string number_or_dash(std::optional<std::uint64_t> number) { return number ? cat(*number) : "-"; }

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
    if (!read(words, record.uid) || !read(words, record.inode) || !read(words, record.date) || !read(words, record.size) ||
        !read(words, record.crlf_size) || !read(words, record.keywords, 16) || !read_path(words, record))
        return false;
    if (record.uid == 0 || (!records.empty() && record.uid <= records.back().uid))
        return false;
    next = std::max(next, record.uid + 1);
    records.push_back(std::move(record));
    return true;
}

// The lines that change one message; those about a message that is not known have nothing to change.
bool UidState::change(char what, std::string_view words)
{
    Uid uid = 0;
    if (!read(words, uid))
        return false;
    Record ignored;
    Record* found = find(uid);
    Record& record = found ? *found : ignored;
    switch (what) {
    case '=': return read(words, record.inode) && read_path(words, record);
    case 'f': return read(words, record.keywords, 16);
    case 's': return read(words, record.size) && read(words, record.crlf_size);
    default:
        record.is_gone = has_gone_ = true;
        return words.empty();
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
    case 's':
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

void Lines::line(std::string_view text)
{
    text_ += hex(crc32c(text), crc_digits);
    text_ += ' ';
    text_ += text;
    text_ += '\n';
}

void Lines::add(const Record& record)
{
    line(cat("+ ", record.uid, ' ', record.inode, ' ', record.date, ' ', record.size, ' ', number_or_dash(record.crlf_size), ' ',
             hex(record.keywords), ' ', record.path()));
}

void Lines::set_keywords(Uid uid, Keywords keywords) { line(cat("f ", uid, ' ', hex(keywords))); }

void Lines::sizes(Uid uid, std::uint64_t size, std::optional<std::uint64_t> crlf_size)
{
    line(cat("s ", uid, ' ', size, ' ', number_or_dash(crlf_size)));
}

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
    ParsedList result;
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
