#include "pickup/content.h"

namespace mta::pickup {

namespace {

constexpr std::size_t max_name_bytes = 998;

bool is_name_char(char c) { return c > 32 && c < 127 && c != ':'; }

}  // namespace

void HeaderEnd::add(std::string_view bytes, std::string& out)
{
    std::size_t at = 0;
    for (; at < bytes.size() && state_ != State::body; ++at)
        step(bytes[at], out);
    out.append(bytes.substr(at));
}

void HeaderEnd::finish(std::string& out)
{
    if (state_ != State::body && !line_.empty())
        end_header(out);
}

// RFC 5322 section 2.2: a field is a name of printable characters, a colon, and lines that begin with a blank.
void HeaderEnd::step(char c, std::string& out)
{
    if (state_ == State::rest) {
        out += c;
        if (c == '\n')
            state_ = State::line_start;
        return;
    }
    line_ += c;
    bool is_blank = c == ' ' || c == '\t';
    bool is_start = state_ == State::line_start;
    if (is_start && c == '\n') {
        out += line_;
        line_.clear();
        state_ = State::body;
    } else if ((is_start && is_blank && has_field_) || (!is_start && c == ':')) {
        out += line_;
        line_.clear();
        has_field_ = true;
        state_ = State::rest;
    } else if (is_name_char(c) && state_ != State::blanks && line_.size() <= max_name_bytes) {
        state_ = State::name;
    } else if (is_blank && !is_start && line_.size() <= max_name_bytes) {
        state_ = State::blanks;
    } else {
        end_header(out);
    }
}

void HeaderEnd::end_header(std::string& out)
{
    out += '\n';
    out += line_;
    line_.clear();
    state_ = State::body;
}

}  // namespace mta::pickup
