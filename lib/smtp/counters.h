#pragma once

#include <array>
#include <string>
#include <string_view>

namespace mta::smtp {

// How many commands of each kind a client gave and how many of them were obeyed, for the log: "ehlo=1 auth=0/1 mail=2
// quit=1 commands=4/5". Survives the hand-over between front and workers as a text.
class Counters {
public:
    Counters() = default;
    // The counts in a text(); what it does not know is ignored.
    static Counters parse(std::string_view text);

    void count(std::string_view verb, bool was_obeyed);  // in any case; unknown ones are counted as such
    std::string text() const;                             // all of one session, and their sum

private:
    static constexpr std::array<std::string_view, 15> names{"helo", "ehlo", "xclient", "xforward", "starttls", "auth", "mail", "rcpt",
                                                            "data", "bdat", "rset", "noop", "vrfy", "etrn", "quit"};
    static constexpr std::size_t unknown = names.size();
    struct Count {
        unsigned long obeyed = 0, total = 0;
    };
    static std::size_t index_of(std::string_view name);
    std::array<Count, names.size() + 1> counts_{};
};

}  // namespace mta::smtp
