#include "imap/parser.h"

#include <limits>

#include "base/text.h"

namespace mta::imap {

namespace {

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_astring_char(char c) { return is_atom_char(c) || c == ']'; }
bool is_tag_char(char c) { return is_astring_char(c) && c != '+'; }
bool is_pattern_char(char c) { return is_astring_char(c) || c == '%' || c == '*'; }
bool is_set_char(char c) { return is_digit(c) || c == ':' || c == '*' || c == ','; }

// "{5}", "{5+}" with what stands before it.
std::optional<Literal> announcement(std::string_view line)
{
    if (!line.ends_with('}'))
        return std::nullopt;
    auto open = line.rfind('{');
    if (open == std::string_view::npos)
        return std::nullopt;
    Literal literal;
    auto digits = line.substr(open + 1, line.size() - open - 2);
    if (digits.ends_with('+')) {
        literal.is_sync = false;
        digits.remove_suffix(1);
    }
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
        return std::nullopt;
    literal.size = parse_number<std::uint64_t>(digits).value_or(std::numeric_limits<std::uint64_t>::max());
    literal.is_binary = open > 0 && line[open - 1] == '~';
    return literal;
}

}  // namespace

bool is_atom_char(char c) { return c > 32 && c < 127 && !is_one_of(c, "(){%*\"\\]"); }

std::optional<Literal> literal_at_end(std::string_view line) { return announcement(line); }

void Parser::fail(std::string why)
{
    if (!failed_)
        error_ = std::move(why);
    failed_ = true;
}

Result<void> Parser::finish()
{
    if (!at_end())
        fail("Too many arguments, or a wrong character");
    if (failed_)
        return Error{error_, "5.5.2"};
    return {};
}

void Parser::charge(std::size_t bytes)
{
    if (share_ == nullptr || failed_ || share_->grow(bytes))
        return;
    is_too_complex_ = true;
    fail("The command is too complex");
}

// Strings are kept twice: as they are meant, and as an answer repeats them.
std::string Parser::kept(std::string_view text)
{
    charge(2 * (sizeof(std::string) + text.size()));
    return failed_ ? std::string() : std::string(text);
}

bool Parser::take(char c)
{
    if (at_end() || text_[at_] != c)
        return false;
    ++at_;
    return true;
}

void Parser::expect(char c)
{
    if (take(c) || failed_)
        return;
    if (c == ' ')
        fail(at_ >= text_.size() ? "Missing argument" : "A space is missing, or there is a wrong character");
    else
        fail(cat("Missing '", c, "'"));
}

bool Parser::take_word(std::string_view word)
{
    if (failed_ || !istarts_with(text_.substr(at_), word))
        return false;
    auto after = at_ + word.size();
    if (after < text_.size() && is_atom_char(text_[after]) && text_[after] != '[')
        return false;
    at_ = after;
    return true;
}

std::string_view Parser::span(bool (*is_allowed)(char))
{
    auto begin = at_;
    while (!at_end() && is_allowed(text_[at_]))
        ++at_;
    return failed_ ? std::string_view() : text_.substr(begin, at_ - begin);
}

std::string Parser::tag()
{
    auto text = span(is_tag_char);
    if (text.empty())
        fail("A command starts with a tag");
    return kept(text);
}

std::string Parser::atom()
{
    auto text = span(is_atom_char);
    if (text.empty())
        fail(at_ >= text_.size() ? "Missing argument" : "A word was expected");
    return kept(text);
}

std::string Parser::quoted()
{
    ++at_;
    std::string out;
    while (!at_end() && text_[at_] != '"') {
        char c = text_[at_++];
        if (c == '\\') {
            if (peek() != '"' && peek() != '\\')
                fail("Only \\\" and \\\\ can stand after a backslash");
            c = peek();
            ++at_;
        }
        if (c == '\r' || c == '\n' || c == '\0')
            fail("A quoted string cannot contain a line end");
        out.push_back(c);
    }
    if (!take('"'))
        fail("A quoted string has no end");
    charge(2 * (sizeof(std::string) + out.size()));
    return out;
}

std::string Parser::literal()
{
    bool is_binary = take('~');
    auto end = text_.find("}\r\n", at_);
    auto found = announcement(text_.substr(at_, end == std::string_view::npos ? 0 : end + 1 - at_));
    if (!found || text_[at_] != '{' || found->size > text_.size() - (end + 3)) {
        fail("A literal is broken");
        return {};
    }
    auto bytes = text_.substr(end + 3, found->size);
    at_ = end + 3 + found->size;
    if (!is_binary && bytes.find('\0') != std::string_view::npos)
        fail("A literal cannot contain NUL");
    return kept(bytes);
}

std::string Parser::string()
{
    char c = peek();
    if (c == '"')
        return quoted();
    if (c == '{' || c == '~')
        return literal();
    fail(at_ >= text_.size() ? "Missing argument" : "A string was expected");
    return {};
}

std::string Parser::astring()
{
    char c = peek();
    if (c == '"' || c == '{')
        return string();
    auto text = span(is_astring_char);
    if (text.empty())
        fail(at_ >= text_.size() ? "Missing argument" : "A word or string was expected");
    return kept(text);
}

std::string Parser::mailbox()
{
    auto name = astring();
    // RFC 3501 section 5.1: INBOX is this mailbox in any case, with names below it, too.
    if (istarts_with(name, "inbox") && (name.size() == 5 || name[5] == '.'))
        name.replace(0, 5, "INBOX");
    return name;
}

std::string Parser::list_pattern()
{
    char c = peek();
    if (c == '"' || c == '{')
        return string();
    auto text = span(is_pattern_char);
    if (text.empty())
        fail(at_ >= text_.size() ? "Missing argument" : "A name or pattern was expected");
    return kept(text);
}

std::uint64_t Parser::number64()
{
    auto number = parse_number<std::uint64_t>(span(is_digit));
    if (!number)
        fail("A number was expected");
    return number.value_or(0);
}

std::uint32_t Parser::number()
{
    auto number = parse_number<std::uint32_t>(span(is_digit));
    if (!number)
        fail("A number was expected");
    return number.value_or(0);
}

SequenceSet Parser::sequence_set()
{
    auto text = span(is_set_char);
    charge(text.size() * SequenceSet::bytes_per_char);
    auto set = SequenceSet::parse(failed_ ? std::string_view() : text);
    if (!set)
        fail("A set of message numbers was expected");
    return set.value_or(SequenceSet());
}

mime::DateTime Parser::date()
{
    auto text = peek() == '"' ? quoted() : atom();
    auto date = mime::parse_imap_date(text);
    if (!date)
        fail("A date like 1-Feb-1994 was expected");
    return date.value_or(mime::DateTime());
}

mime::DateTime Parser::date_time()
{
    auto time = mime::parse_internal_date(peek() == '"' ? quoted() : std::string());
    if (!time)
        fail("A date and time like \"17-Jul-1996 02:44:25 -0700\" was expected");
    return time.value_or(mime::DateTime());
}

void Parser::flag(Flags& flags)
{
    std::string name = take('\\') ? "\\" : "";
    name += atom();
    if (!failed_ && !add_flag(flags, name))
        fail(cat("Unknown system flag ", name));
    if (flags.keywords.size() > max_keywords_at_once)
        fail("Too many keywords");
}

Flags Parser::flag_list(bool may_be_bare)
{
    Flags flags;
    bool has_parentheses = take('(');
    if (!has_parentheses && !may_be_bare)
        fail("A list of flags in parentheses was expected");
    if (has_parentheses && take(')'))
        return flags;
    flag(flags);
    while (take(' '))
        flag(flags);
    if (has_parentheses)
        expect(')');
    return flags;
}

}  // namespace mta::imap
