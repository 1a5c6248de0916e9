#include "imap/parser.h"

#include <catch2/catch.hpp>

#include <limits>

#include "base/text.h"

using namespace mta;
using imap::Parser;

TEST_CASE("a literal is announced at the end of a line", "[imap]")
{
    struct Case { std::string line; std::uint64_t size; bool is_sync, is_binary; };
    for (const auto& c : {Case{"a login {5}", 5, true, false}, {"{0}", 0, true, false}, {"x {12+}", 12, false, false}, {"x ~{3}", 3, true, true},
                          {"x ~{3+}", 3, false, true}, {"{99999999999999999999999}", std::numeric_limits<std::uint64_t>::max(), true, false}}) {
        auto literal = imap::literal_at_end(c.line);
        REQUIRE(literal);
        CHECK(literal->size == c.size);
        CHECK(literal->is_sync == c.is_sync);
        CHECK(literal->is_binary == c.is_binary);
    }
    for (const char* none : {"", "}", "{}", "{+}", "{5} ", "{-5}", "{5-}", "{a}", "5}", "{5++}", "\"{5}\""})
        CHECK_FALSE(imap::literal_at_end(none));
}

TEST_CASE("astrings come as atoms, quoted strings and literals", "[imap]")
{
    struct Case { std::string text, value; };
    for (const auto& c : {Case{"abc", "abc"}, {"a]b", "a]b"}, {"\"a b\"", "a b"}, {"\"\"", ""}, {"\"\\\"\\\\\"", "\"\\"}, {"{3}\r\na\"b", "a\"b"},
                          {"{0+}\r\n", ""}, {"{4}\r\n\r\n\r\n", "\r\n\r\n"}, {"\"\xc3\xbc\"", "\xc3\xbc"}, {"NIL", "NIL"}}) {
        Parser parser(c.text);
        CAPTURE(c.text);
        CHECK(parser.astring() == c.value);
        CHECK(parser.finish());
    }
    for (std::string bad : {"", " ", "(", "\"open", "\"a\\b\"", "\"a\r\nb\"", "{5}\r\nabc", "{5}", "{x}\r\nabc", "a%", "a*", "~{1}\r\na", "{99999999999999999999999}\r\n"}) {
        Parser parser(bad);
        CAPTURE(bad);
        parser.astring();
        CHECK_FALSE(parser.finish());
    }
    Parser with_nul(std::string_view("{1}\r\n\0", 6));
    with_nul.astring();
    CHECK_FALSE(with_nul.finish());
    Parser binary(std::string_view("~{1}\r\n\0", 7));
    CHECK(binary.string() == std::string(1, '\0'));
    CHECK(binary.finish());
}

TEST_CASE("INBOX is INBOX in any case, other names keep theirs", "[imap]")
{
    for (auto [text, name] : {std::pair{"inbox", "INBOX"}, {"InBox.Sub", "INBOX.Sub"}, {"inboxes", "inboxes"}, {"\"Sent Mail\"", "Sent Mail"}})
        CHECK(Parser(text).mailbox() == name);
}

TEST_CASE("the first error stays and nothing is read after it", "[imap]")
{
    Parser parser("a b");
    CHECK(parser.atom() == "a");
    parser.expect('(');
    CHECK(parser.atom().empty());
    CHECK(parser.number() == 0);
    CHECK_FALSE(parser.take(' '));
    CHECK(parser.at_end());
    auto done = parser.finish();
    REQUIRE_FALSE(done);
    CHECK(done.error().text == "Missing '('");
}

TEST_CASE("words are whole atoms in any case", "[imap]")
{
    CHECK(Parser("body[]").take_word("BODY"));
    CHECK_FALSE(Parser("bodystructure").take_word("BODY"));
    CHECK_FALSE(Parser("bod").take_word("BODY"));
    CHECK(Parser("All").take_word("ALL"));
}

TEST_CASE("flag lists: system flags in any case, keywords once, \\Recent passed over", "[imap]")
{
    Parser parser("(\\seen $Forwarded \\DELETED \\Recent $forwarded x)");
    auto flags = parser.flag_list(false);
    CHECK(parser.finish());
    CHECK(flags.system == (imap::seen | imap::deleted));
    CHECK(flags.keywords == std::vector<std::string>{"$Forwarded", "x"});

    Parser bare("\\Answered y");
    CHECK(bare.flag_list(true).system == imap::answered);
    CHECK(bare.finish());
    CHECK(Parser("()").flag_list(false).system == 0);
    for (const char* bad : {"\\Seen", "(\\Nonsense)", "(a  b)", "(a", "(\\*)", "(a )", "(\"a\")"}) {
        Parser broken(bad);
        broken.flag_list(false);
        CHECK_FALSE(broken.finish());
    }
    CHECK(imap::flags_text(imap::seen | imap::flagged, true, {"x", "y"}) == "\\Flagged \\Seen \\Recent x y");
    CHECK(imap::flags_text(0, false, {}).empty());
}

TEST_CASE("a flag list may have more keywords than a mailbox, but not without end", "[imap]")
{
    std::string list = "(k0";
    for (std::size_t i = 1; i < imap::max_keywords_at_once; ++i)
        list += cat(" k", i);
    for (std::string more : {"", " K7", " \\Seen"})
        CHECK(Parser(list + more + ")").flag_list(false).keywords.size() == imap::max_keywords_at_once);
    list += " one-more)";
    Parser parser(list);
    parser.flag_list(false);
    CHECK_FALSE(parser.finish());
}

TEST_CASE("numbers and dates", "[imap]")
{
    CHECK(Parser("4294967295").number() == 4294967295u);
    for (const char* bad : {"4294967296", "x", "", "-1"}) {
        Parser parser(bad);
        parser.number();
        CHECK_FALSE(parser.finish());
    }
    CHECK(Parser("1-Feb-1994").date().day == 1);
    CHECK(Parser("\"1-Feb-1994\"").date().month == 2);
    CHECK(Parser("\"17-Jul-1996 02:44:25 -0700\"").date_time().zone == -420);
    Parser bare("17-Jul-1996");
    bare.date_time();
    CHECK_FALSE(bare.finish());
}

TEST_CASE("list patterns may have wildcards", "[imap]")
{
    for (auto [text, pattern] : {std::pair{"%", "%"}, {"*.a%", "*.a%"}, {"\"\"", ""}, {"{2}\r\n*b", "*b"}})
        CHECK(Parser(text).list_pattern() == pattern);
}
