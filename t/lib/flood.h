#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "t/lib/suite.h"

namespace mta::test {

// A client that sends very much at once, and reads what it is told meanwhile.
struct Flood {
    std::string port;   // "SMTP"...
    std::string first;  // commands, a line each, that are answered before
    std::string bytes;
    std::string said = {};  // by the server, or why the conversation failed before the flood
    bool is_closed = false;

    void run(const Suite& suite);
};

// All of them at the same time.
void run_all(const Suite& suite, std::vector<Flood>& floods);

std::string repeated(std::string_view text, int times);

}  // namespace mta::test
