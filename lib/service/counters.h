#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mta::service {

// The commands of an SMTP session as Session::counters carries them and as the disconnect line shows them:
// "ehlo=1 auth=0/1 mail=2": done, or done/total where they differ.
class Counters {
public:
    Counters() = default;
    explicit Counters(std::string_view text);  // skips what it does not understand
    void count(std::string_view command, bool done);
    long done(std::string_view command) const;
    // "ehlo=1 auth=0/1", in the order of Postfix's log lines; empty if there was no command
    std::string text() const;
    // The same and " commands=1/2": what stands behind "disconnect from PEER ".
    std::string summary() const;

private:
    struct Item {
        std::string command;
        long done = 0, total = 0;
    };
    Item& find(std::string_view command);
    std::vector<Item> items_;
};

}  // namespace mta::service
