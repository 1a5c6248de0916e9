#include "table/message_lines.h"

#include <string_view>

#include "base/text.h"

namespace mta::table {

namespace {

// RFC 5322 section 2.2: "Name:", with the white space before the colon that old programs write.
bool is_header_line(std::string_view line)
{
    auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0)
        return false;
    auto name = line.substr(0, colon);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
        name.remove_suffix(1);
    for (char c : name)
        if (c <= ' ' || c == 127)
            return false;
    return !name.empty();
}

}  // namespace

void for_each_message_line(std::istream& message, bool headers, bool body, const std::function<void(const std::string&)>& visit)
{
    std::string line, header;
    bool in_header = true;
    auto finish = [&] {
        if (headers && !header.empty())
            visit(header);
        header.clear();
    };
    while (std::getline(message, line)) {
        if (line.ends_with('\r'))
            line.pop_back();
        if (in_header && !header.empty() && !line.empty() && is_space(line.front())) {
            header += cat("\n", line);
        } else if (in_header && is_header_line(line)) {
            finish();
            header = line;
        } else if (in_header) {
            in_header = false;
            finish();
            if (body && !line.empty())
                visit(line);  // a body without the empty line before it
        } else if (body) {
            visit(line);
        }
    }
    finish();
}

}  // namespace mta::table
