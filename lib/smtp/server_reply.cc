#include "smtp/server_reply.h"

#include <algorithm>

#include "base/text.h"
#include "mail/status.h"

namespace mta::smtp {

namespace {

constexpr std::size_t max_line_bytes = 510;  // RFC 5321 section 4.5.3.1.5, without CRLF
constexpr std::size_t code_bytes = 3;

void add_line(std::string& out, std::string_view code, bool is_last, std::string_view text)
{
    auto line = cat(code, is_last ? " " : "-", printable(text.substr(0, max_line_bytes - code_bytes - 1)));
    out += line;
    out += "\r\n";
}

}  // namespace

int code_of(std::string_view reply)
{
    return parse_number<int>(reply.substr(0, std::min(code_bytes, reply.size()))).value_or(0);
}

std::string format_reply(std::string_view text)
{
    auto code = text.substr(0, std::min(code_bytes, text.size()));
    auto rest = text.substr(std::min(code_bytes + 1, text.size()));
    auto space = rest.find(' ');
    auto status = space != std::string_view::npos && mail::is_status(rest.substr(0, space)) ? rest.substr(0, space + 1) : "";
    auto lines = split(rest, '\n');
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i)
        add_line(out, code, i + 1 == lines.size(), i == 0 ? std::string(lines[i]) : cat(status, lines[i]));
    return out;
}

std::string format_lines(int code, const std::vector<std::string>& lines)
{
    std::string out;
    for (const auto& line : lines)
        add_line(out, cat(code), &line == &lines.back(), line);
    return out;
}

}  // namespace mta::smtp
