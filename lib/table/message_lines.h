#pragma once

#include <functional>
#include <istream>
#include <string>

namespace mta::table {

// The keys of postmap -h and -b: logical header lines (with the line breaks inside) up to the first line that is none, and body
// lines. The message is not parsed as MIME.
void for_each_message_line(std::istream& message, bool headers, bool body, const std::function<void(const std::string&)>& visit);

}  // namespace mta::table
