// Covers: lib/smtp/data_reader.cc smtpd/hop_counter.cc
#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "smtp/data_reader.h"
#include "smtpd/hop_counter.h"

// The reader of DATA against a slow one, and against itself in other pieces: only CRLF.CRLF ends a message, whatever
// else stands in it.
namespace {

using namespace mta;

struct Outcome {
    std::string message;
    std::size_t taken = 0;
    bool is_finished = false, has_bare_lf = false, has_bare_cr = false, has_false_end = false;
    bool operator==(const Outcome&) const = default;
};

Outcome read_in_pieces(std::string_view input, std::size_t seed)
{
    Outcome out;
    smtp::DataReader reader;
    fuzz::in_pieces(input, seed, [&](std::string_view piece) {
        if (reader.is_finished())
            return;
        auto taken = reader.read(piece, out.message);
        HOLDS(taken <= piece.size() && (taken == piece.size() || reader.is_finished()));
        out.taken += taken;
    });
    out.is_finished = reader.is_finished();
    out.has_bare_lf = reader.has_bare_lf();
    out.has_bare_cr = reader.has_bare_cr();
    out.has_false_end = reader.has_false_end();
    return out;
}

// Where the first CRLF.CRLF ends, with the CRLF of the DATA command in front of all.
std::size_t end_of_message(std::string_view input)
{
    if (input.starts_with(".\r\n"))
        return 3;
    auto end = input.find("\r\n.\r\n");
    return end == std::string_view::npos ? end : end + 5;
}

// The message as RFC 5321 section 4.5.2 and our treatment of bare line ends want it, one line after the other.
std::string slow_message(std::string_view text)
{
    std::string out;
    bool at_line_start = true;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (at_line_start && text[i] == '.') {
            at_line_start = false;
            continue;
        }
        bool is_crlf = text.substr(i, 2) == "\r\n";
        out.push_back(is_crlf || text[i] == '\n' ? '\n' : text[i] == '\r' ? ' ' : text[i]);
        at_line_start = out.back() == '\n';
        i += is_crlf;
    }
    return out;
}

// The words of smtpd_forbid_bare_newline.
void check_word(std::string_view text)
{
    auto named = smtp::bare_newline_named(text);
    HOLDS(named == smtp::bare_newline_named(upper(text)) && (!named || text.size() <= std::string_view("normalize").size()));
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    auto seed = in.number(256);
    auto text = in.rest();
    auto whole = read_in_pieces(text, 1u << 30);
    HOLDS(whole == read_in_pieces(text, 0));
    HOLDS(whole == read_in_pieces(text, seed));
    auto end = end_of_message(text);
    HOLDS(whole.is_finished == (end != std::string_view::npos));
    if (whole.is_finished) {
        HOLDS(whole.taken == end);
        HOLDS(whole.message == slow_message(text.substr(0, end - 3)));
    }
    HOLDS(whole.message.find('\r') == std::string::npos);

    check_word(text);

    smtpd::HopCounter at_once, in_steps;
    at_once.read(whole.message);
    fuzz::in_pieces(whole.message, seed, [&](std::string_view piece) { in_steps.read(piece); });
    HOLDS(at_once.hops() == in_steps.hops());
}
