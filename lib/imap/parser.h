#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/budget.h"
#include "base/result.h"
#include "imap/flags.h"
#include "imap/sequence.h"
#include "mime/date.h"

namespace mta::imap {

constexpr std::size_t max_list_depth = 32;

// The announcement of a literal at the end of a line: {5}, {5+}, ~{5}.
struct Literal {
    std::uint64_t size = 0;  // the largest number if it does not fit
    bool is_sync = true;     // the client waits for "+"
    bool is_binary = false;  // RFC 3516: may contain NUL
};
std::optional<Literal> literal_at_end(std::string_view line);

// Reads a command (RFC 3501 section 9). The text is the command's lines without the last line end; a literal stands in it as
// it came: announcement, CRLF, bytes. The first error stays: after it nothing is read and every value is empty,
// so that one look at finish() is enough.
class Parser {
public:
    // What the command becomes is charged to the share, if there is one: a command that becomes too large is wrong.
    explicit Parser(std::string_view text, Budget::Share* share = nullptr) : text_(text), share_(share) {}

    bool at_end() const { return failed_ || at_ >= text_.size(); }
    bool failed() const { return failed_; }
    void fail(std::string why);
    void charge(std::size_t bytes);
    bool is_too_complex() const { return is_too_complex_; }
    // Everything was read and was right.
    Result<void> finish();

    char peek() const { return at_end() ? '\0' : text_[at_]; }
    bool take(char c);
    void expect(char c);
    void space() { expect(' '); }
    // Takes the word if it stands here, in any case, as a whole atom.
    bool take_word(std::string_view word);
    std::string_view rest() const { return failed_ ? std::string_view() : text_.substr(at_); }

    std::string tag();
    std::string atom();
    std::string string();
    std::string astring();
    std::string mailbox();       // an astring; INBOX in capitals
    std::string list_pattern();  // as an astring, where % and * may stand, too
    std::uint32_t number();
    std::uint64_t number64();
    SequenceSet sequence_set();
    mime::DateTime date();       // with or without quotes
    mime::DateTime date_time();
    // "(\Seen x)"; without parentheses, too, where the grammar of STORE has that.
    Flags flag_list(bool may_be_bare);

private:
    std::string quoted();
    std::string literal();
    std::string_view span(bool (*is_allowed)(char));
    std::string kept(std::string_view text);
    void flag(Flags& flags);

    std::string_view text_;
    Budget::Share* share_;
    std::size_t at_ = 0;
    bool failed_ = false, is_too_complex_ = false;
    std::string error_;
};

// RFC 3501: ATOM-CHAR.
bool is_atom_char(char c);

}  // namespace mta::imap
