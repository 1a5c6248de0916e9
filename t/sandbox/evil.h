#pragma once

#include <string>
#include <string_view>

#include "net/stream.h"

// What code of an attacker tries in a process that it has taken over. The client of the session says what, a line for each:
//   read PATH | list PATH | link FROM TO | connect PATH | garbage PATH | kill PID | tcp PORT | fill MEGABYTES | sign SOCKET SERVICE TICKET KEY
// and gets "yes", with the beginning of what was read, or "no" with the reason. Nothing comes back from what kills the process.
namespace mta::evil {

std::string answer(std::string_view line);
void obey(net::Stream& client);

}  // namespace mta::evil
