#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mta::smtp {

// smtpd_forbid_bare_newline: what to do about a CR or LF that is not part of CRLF. None of them lets anything but CRLF.CRLF
// end the message.
enum class BareNewline {
    reject,     // refuse the message
    normalize,  // take a bare LF for a line end, replace a bare CR by a space
    note,       // the same, and log it
    allow,      // the same, and say nothing
};
// "yes" (normalize, as in Postfix), "no" (allow), "reject", "normalize", "note"; nothing if it is none of them.
std::optional<BareNewline> bare_newline_named(std::string_view text);

// Finds the end of DATA, whatever the pieces are that it comes in, removes the transparency dots (RFC 5321 section 4.5.2), and
// turns the line ends into LF. Keeps at most two bytes back.
class DataReader {
public:
    // Takes bytes of the client and appends the message's to out. How many were taken: all, unless the end was found;
    // the rest are the next commands.
    std::size_t read(std::string_view bytes, std::string& out);

    bool is_finished() const { return finished_; }
    // What was seen so far.
    bool has_bare_lf() const { return bare_lf_; }
    bool has_bare_cr() const { return bare_cr_; }
    // A line that only holds a dot, with a line end before or behind it that is not CRLF: what other servers may take for the
    // end, so the trick of SMTP smuggling.
    bool has_false_end() const { return false_end_; }

private:
    enum class State {
        line_start, after_dot, after_dot_cr,
        text, after_cr,
        after_cr_dot,  // a bare CR, then a dot
    };
    // Positions in the bytes of one read(): where its next CR is, so that none is searched for twice.
    struct Scan {
        std::string_view bytes;
        std::size_t at, next_cr;
    };
    void read_text(Scan& scan, std::string& out);
    void step(char c, std::string& out);
    void step_text(char c, std::string& out);
    void end_line(bool by_crlf, std::string& out);

    State state_ = State::line_start;
    bool line_began_by_crlf_ = true;  // the DATA command's own line end counts
    bool finished_ = false, bare_lf_ = false, bare_cr_ = false, false_end_ = false;
};

}  // namespace mta::smtp
