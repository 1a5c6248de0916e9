#include "maildir/file_name.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "maildir/mailbox.h"

namespace mta::maildir {
namespace {

constexpr std::size_t id_size = 16;
constexpr std::size_t microsecond_digits = 6;

struct Letter {
    char letter;
    std::uint8_t flag;
};
constexpr std::array<Letter, 5> letters{{{'D', draft}, {'F', flagged}, {'R', answered}, {'S', seen}, {'T', deleted}}};

std::string_view before_comma(std::string_view text) { return text.substr(0, text.find(',')); }

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

// The part behind the first dot, if the name is one of ours.
std::string_view our_middle(std::string_view name)
{
    const auto dot = name.find('.');
    if (dot == std::string_view::npos || dot == 0 || !std::all_of(name.begin(), name.begin() + dot, is_digit))
        return {};
    const auto middle = name.substr(dot + 1);
    constexpr std::size_t id_at = 1 + microsecond_digits + 1;
    if (middle.size() <= id_at + id_size || middle[0] != 'M' || middle[id_at - 1] != 'H' || middle[id_at + id_size] != '.')
        return {};
    const auto digits = middle.substr(1, microsecond_digits);
    const auto id = middle.substr(id_at, id_size);
    if (!std::all_of(digits.begin(), digits.end(), is_digit) || !std::all_of(id.begin(), id.end(), is_hex))
        return {};
    return middle;
}

std::string safe_host(std::string_view host)
{
    std::string safe(host.substr(0, 64));
    for (char& c : safe)
        if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '.')
            c = '_';
    return safe.empty() ? "localhost" : safe;
}

}  // namespace

NameParts split_name(std::string_view name)
{
    for (auto at = name.find("2,"); at != std::string_view::npos; at = name.find("2,", at + 1))
        if (at > 0 && (name[at - 1] == ':' || name[at - 1] == ';' || name[at - 1] == '!'))
            return {name.substr(0, at - 1), name.substr(at - 1)};
    return {name, {}};
}

std::uint8_t flags_of(std::string_view suffix)
{
    std::uint8_t flags = 0;
    if (suffix.size() > 3)
        for (char c : before_comma(suffix.substr(3)))
            for (const auto& [letter, flag] : letters)
                if (c == letter)
                    flags |= flag;
    return flags;
}

std::string with_flags(std::string_view suffix, std::uint8_t flags)
{
    std::string found, rest;
    if (suffix.size() > 3) {
        found = before_comma(suffix.substr(3));
        rest = suffix.substr(3 + found.size());
    }
    std::erase_if(found, [](char c) { return std::any_of(letters.begin(), letters.end(), [c](auto& l) { return l.letter == c; }); });
    for (const auto& [letter, flag] : letters)
        if (flags & flag)
            found += letter;
    std::sort(found.begin(), found.end());
    return cat(suffix.empty() ? ":2," : suffix.substr(0, 3), found, rest);
}

NameFacts facts_of(std::string_view base)
{
    NameFacts facts;
    if (!our_middle(base).empty())
        facts.date = parse_number<std::time_t>(base.substr(0, base.find('.')));
    for (auto field : split(base, ',')) {
        if (field.starts_with("S="))
            facts.size = parse_number<std::uint64_t>(field.substr(2));
        else if (field.starts_with("W="))
            facts.crlf_size = parse_number<std::uint64_t>(field.substr(2));
    }
    if (facts.size && facts.crlf_size && *facts.crlf_size < *facts.size)
        facts.crlf_size.reset();
    return facts;
}

std::string make_base(std::time_t date, std::string_view id, std::string_view host, std::uint64_t size,
                      std::optional<std::uint64_t> crlf_size)
{
    using namespace std::chrono;
    const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    const auto digits = cat(1'000'000 + now % 1'000'000);
    auto base = cat(std::max<std::time_t>(date, 0), ".M", digits.substr(1), "H", id, ".", safe_host(host), ",S=", size);
    if (crlf_size)
        append(base, cat(",W=", *crlf_size));
    return base;
}

std::string unique_id() { return hex_encode(random_bytes(id_size / 2)); }

std::string delivery_id(std::string_view queue_id, std::string_view recipient)
{
    const char nul = '\0';
    return hex_encode(sha256(cat(queue_id, nul, recipient)).substr(0, id_size / 2));
}

std::string_view id_of(std::string_view name)
{
    const auto middle = our_middle(name);
    return middle.empty() ? middle : middle.substr(2 + microsecond_digits, id_size);
}

bool is_message_name(std::string_view name)
{
    return !name.empty() && name.front() != '.' &&
           std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

}  // namespace mta::maildir
