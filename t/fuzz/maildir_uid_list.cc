// Covers: lib/maildir/uid_state.cc
#include "base/checksum.h"
#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "maildir/uid_state.h"

// A folder's uid list with anything in it, its checksums made right: read in pieces it says the same, and written anew, too.
namespace {

using namespace mta;

// The lines with the checksums that they should have; "!" in front of a line leaves it as it is.
std::string with_checksums(std::string_view text)
{
    std::string out;
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    for (auto line : split(text, '\n')) {
        if (line.starts_with('!')) {
            out += cat(line.substr(1), "\n");
            continue;
        }
        constexpr std::string_view digits = "0123456789abcdef";
        std::string hex;
        auto crc = crc32c(line);
        for (int shift = 28; shift >= 0; shift -= 4)
            hex += digits[crc >> shift & 15];
        out += cat(hex, " ", line, "\n");
    }
    return out;
}

void check(const maildir::UidState& state)
{
    maildir::Uid last = 0;
    for (const auto& record : state.records) {
        HOLDS(record.uid > last && !record.is_gone && !record.name.empty() && record.name.find('/') == std::string::npos);
        HOLDS(state.find(record.uid) == &record);
        last = record.uid;
    }
    HOLDS(state.records.empty() || state.next > last || last == 0xffffffff);
    HOLDS(state.keywords.size() <= maildir::max_keywords);
}

bool same(const maildir::UidState& a, const maildir::UidState& b)
{
    return maildir::snapshot(a, "boot").text() == maildir::snapshot(b, "boot").text();
}

}  // namespace

FUZZ(input)
{
    auto text = with_checksums(input);
    maildir::UidState state;
    auto parsed = maildir::apply_lines(state, text, true, "boot");
    HOLDS(parsed.complete == text.size());
    HOLDS(!parsed.is_damaged_inside || parsed.is_damaged);
    check(state);

    maildir::UidState steps;
    std::size_t done = 0;
    auto middle = text.find('\n', text.size() / 2) + 1;
    auto first = maildir::apply_lines(steps, text.substr(0, middle), true, "boot");
    done += first.complete;
    done += maildir::apply_lines(steps, text.substr(middle), false, "boot").complete;
    HOLDS(done == text.size());
    HOLDS(same(state, steps));

    if (!parsed.has_header)
        return;
    maildir::UidState again;
    auto lines = maildir::snapshot(state, "boot");
    auto second = maildir::apply_lines(again, lines.text(), true, "boot");
    HOLDS(second.has_header && !second.is_damaged && same(state, again));
}
