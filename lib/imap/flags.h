#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mta::imap {

// RFC 3501 section 2.3.2. The bits are those that lib/maildir uses.
enum SystemFlag : std::uint8_t { seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16 };
struct SystemFlagName {
    SystemFlag flag;
    std::string_view name;
};
inline constexpr std::array<SystemFlagName, 5> system_flags{{
    {answered, "\\Answered"}, {flagged, "\\Flagged"}, {deleted, "\\Deleted"}, {seen, "\\Seen"}, {draft, "\\Draft"}}};

constexpr std::size_t max_keywords_at_once = 100;  // more than a mailbox can have

struct Flags {
    std::uint8_t system = 0;
    std::vector<std::string> keywords;  // each once, whatever its case
};

// Adds a flag by its name; false for an unknown name with a backslash. \Recent, which no client can set, is passed over:
// clients send it back with what FETCH told them.
bool add_flag(Flags& flags, std::string_view name);

// "\Answered \Seen $Forwarded", without parentheses.
std::string flags_text(std::uint8_t system, bool is_recent, const std::vector<std::string_view>& keywords);

}  // namespace mta::imap
