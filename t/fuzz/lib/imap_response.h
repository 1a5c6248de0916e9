#pragma once

#include <string_view>

// What a client must be able to read of an IMAP server, as RFC 3501 section 9 has it. Text that is none fails the target.
namespace mta::fuzz {

// One value at the start of the text, which is left behind it: NIL, a number, an atom, a quoted string, a literal, a list.
void take_imap_value(std::string_view& text);

// The values of the text, separated by spaces, and nothing else.
void check_imap_values(std::string_view text);

// All that a server has said: whole lines, those of data made of values.
void check_imap_responses(std::string_view text);

}  // namespace mta::fuzz
