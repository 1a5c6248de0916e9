#include "imap/sequence.h"

#include <algorithm>

#include "base/text.h"

namespace mta::imap {

namespace {

// A number, or 0 for "*".
std::optional<std::uint32_t> parse_place(std::string_view text)
{
    if (text == "*")
        return 0;
    if (text.empty() || text.front() == '0')
        return std::nullopt;
    return parse_number<std::uint32_t>(text);
}

}  // namespace

std::optional<SequenceSet> SequenceSet::parse(std::string_view text)
{
    SequenceSet set;
    for (auto piece : split(text, ',')) {
        auto colon = piece.find(':');
        auto first = parse_place(piece.substr(0, colon));
        auto last = colon == std::string_view::npos ? first : parse_place(piece.substr(colon + 1));
        if (!first || !last)
            return std::nullopt;
        set.ranges_.push_back({*first, *last});
    }
    return set;
}

std::vector<Range> SequenceSet::resolve(std::uint32_t largest) const
{
    std::vector<Range> sorted;
    for (auto [first, last] : ranges_) {
        first = first == 0 ? largest : first;
        last = last == 0 ? largest : last;
        Range range{std::min(first, last), std::max(first, last)};
        if (range.first != 0)
            sorted.push_back(range);
    }
    std::sort(sorted.begin(), sorted.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    std::vector<Range> merged;
    for (const auto& range : sorted) {
        if (!merged.empty() && range.first <= std::uint64_t{merged.back().last} + 1)
            merged.back().last = std::max(merged.back().last, range.last);
        else
            merged.push_back(range);
    }
    return merged;
}

bool SequenceSet::goes_beyond(std::uint32_t count) const
{
    return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
        bool has_star = range.first == 0 || range.last == 0;
        return range.first > count || range.last > count || (has_star && count == 0);
    });
}

bool contains(const std::vector<Range>& ranges, std::uint32_t number)
{
    auto after = std::upper_bound(ranges.begin(), ranges.end(), number,
                                  [](std::uint32_t value, const Range& range) { return value < range.first; });
    return after != ranges.begin() && std::prev(after)->last >= number;
}

std::string compact_set(const std::vector<std::uint32_t>& ascending)
{
    std::string out;
    for (std::size_t i = 0; i < ascending.size();) {
        auto end = i + 1;
        while (end < ascending.size() && ascending[end] == ascending[end - 1] + 1)
            ++end;
        if (!out.empty())
            out.push_back(',');
        append(out, ascending[i]);
        if (end - i > 1)
            out += cat(":", ascending[end - 1]);
        i = end;
    }
    return out;
}

}  // namespace mta::imap
