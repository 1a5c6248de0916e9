#include "smtp/data_reader.h"

#include <algorithm>

#include "base/text.h"

namespace mta::smtp {

std::optional<BareNewline> bare_newline_named(std::string_view text)
{
    if (iequals(text, "reject"))
        return BareNewline::reject;
    if (iequals(text, "yes") || iequals(text, "normalize"))
        return BareNewline::normalize;
    if (iequals(text, "note"))
        return BareNewline::note;
    if (iequals(text, "no"))
        return BareNewline::allow;
    return std::nullopt;
}

std::size_t DataReader::read(std::string_view bytes, std::string& out)
{
    Scan scan{bytes, 0, std::min(bytes.find('\r'), bytes.size())};
    while (scan.at < bytes.size() && !finished_) {
        if (state_ == State::text)
            read_text(scan, out);
        else
            step(bytes[scan.at++], out);
    }
    return scan.at;
}

// Up to the next line end or CR, at once.
void DataReader::read_text(Scan& scan, std::string& out)
{
    auto& [bytes, at, next_cr] = scan;
    if (next_cr < at)
        next_cr = std::min(bytes.find('\r', at), bytes.size());
    auto bare_lf = bytes.substr(0, next_cr).find('\n', at);
    auto end = std::min(bare_lf, next_cr);
    out.append(bytes.substr(at, end - at));
    at = std::min(end + 1, bytes.size());
    if (end == bytes.size())
        return;
    if (end == bare_lf) {
        end_line(false, out);
    } else if (at < bytes.size() && bytes[at] == '\n') {
        ++at;
        end_line(true, out);
    } else {
        state_ = State::after_cr;
    }
}

// A dot at the start of a line is not output before it is known to belong to the text; neither is a CR.
void DataReader::step(char c, std::string& out)
{
    switch (state_) {
    case State::line_start:
        if (c == '.')
            state_ = State::after_dot;
        else
            step_text(c, out);
        break;
    case State::after_dot:
        if (c == '\r') {
            state_ = State::after_dot_cr;
        } else {
            false_end_ = false_end_ || c == '\n';
            step_text(c, out);
        }
        break;
    case State::after_dot_cr:
        if (c == '\n' && line_began_by_crlf_) {
            finished_ = true;
            break;
        }
        false_end_ = true;
        state_ = State::after_cr;
        step(c, out);
        break;
    case State::after_cr:
        if (c == '\n') {
            end_line(true, out);
            break;
        }
        bare_cr_ = true;
        out += ' ';
        step_text(c, out);
        if (c == '.')
            state_ = State::after_cr_dot;
        break;
    case State::after_cr_dot:
        false_end_ = false_end_ || c == '\r' || c == '\n';
        step_text(c, out);
        break;
    case State::text:
        step_text(c, out);
        break;
    }
}

void DataReader::step_text(char c, std::string& out)
{
    if (c == '\r') {
        state_ = State::after_cr;
    } else if (c == '\n') {
        end_line(false, out);
    } else {
        out += c;
        state_ = State::text;
    }
}

void DataReader::end_line(bool by_crlf, std::string& out)
{
    out += '\n';
    bare_lf_ = bare_lf_ || !by_crlf;
    line_began_by_crlf_ = by_crlf;
    state_ = State::line_start;
}

}  // namespace mta::smtp
