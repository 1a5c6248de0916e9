#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mta::imap {

struct Range {
    std::uint32_t first = 0, last = 0;
    bool operator==(const Range&) const = default;
};

// RFC 3501 section 9, sequence-set: of sequence numbers or of UIDs.
class SequenceSet {
public:
    static constexpr std::size_t bytes_per_char = 16;  // that a set takes at most, its resolved form included

    static std::optional<SequenceSet> parse(std::string_view text);

    // Ascending ranges that neither overlap nor touch, with "*" as the largest number in use (0 if there is none: then
    // it stands for nothing, and 0 is in no range).
    std::vector<Range> resolve(std::uint32_t largest) const;
    // True if a message with a number above `count` is asked for, "*" of an empty mailbox included.
    bool goes_beyond(std::uint32_t count) const;

private:
    std::vector<Range> ranges_;  // as written; 0 is "*"
};

bool contains(const std::vector<Range>& ranges, std::uint32_t number);

// "1:3,5": the numbers must be ascending.
std::string compact_set(const std::vector<std::uint32_t>& ascending);

}  // namespace mta::imap
