#pragma once

#include <string>
#include <string_view>

namespace mta::pickup {

// Passes content on and sees to it that an empty line ends the header: people and scripts forget it. Content comes in pieces of
// any size with LF line ends; bytes are kept back only while they may still be the name of a field.
class HeaderEnd {
public:
    // Appends to out what is known to be right by now.
    void add(std::string_view bytes, std::string& out);
    void finish(std::string& out);

private:
    enum class State {
        line_start, name,  // undecided: the line so far is in line_
        blanks,            // between a name and its colon (RFC 5322 section 4.5)
        rest,              // in a line that belongs to the header
        body,
    };
    void step(char c, std::string& out);
    void end_header(std::string& out);

    State state_ = State::line_start;
    bool has_field_ = false;
    std::string line_;
};

}  // namespace mta::pickup
