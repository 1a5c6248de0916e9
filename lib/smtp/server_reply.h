#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mta::smtp {

// A reply for the client. The text begins with code and enhanced status, "250 2.1.0 Ok"; lines behind '\n' become lines of
// a multi-line reply with the same code and status. What could end a line or confuse a terminal becomes '?', and lines
// are cut at RFC 5321's limit, so that text of others can never forge a reply.
std::string format_reply(std::string_view text);

// RFC 5321 section 4.2.1: "250-a", "250 b": the lines of a reply without enhanced status, as EHLO's.
std::string format_lines(int code, const std::vector<std::string>& lines);

// The code at the start of a reply line; 0 if there is none.
int code_of(std::string_view reply);

}  // namespace mta::smtp
