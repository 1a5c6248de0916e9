#include <catch2/catch.hpp>

#include <string>

#include "imap/pattern.h"
#include "imap/utf7.h"
#include "imap/write.h"

using namespace mta;

TEST_CASE("modified UTF-7 both ways (RFC 3501 section 5.1.3)", "[imap]")
{
    struct Case { std::string utf8, utf7; };
    for (const auto& c : {Case{"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
                          {"a&b", "a&-b"}, {"", ""}, {"&", "&-"}, {"Entw\xc3\xbcrfe", "Entw&APw-rfe"}, {"\xf0\x9f\x98\x80", "&2D3eAA-"},
                          {"\xc3\xbc&", "&APw-&-"}, {"\t", "&AAk-"}, {"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xc3\xbc", "&2D3eANg93gAA,A-"}}) {
        CHECK(imap::encode_utf7(c.utf8) == c.utf7);
        CHECK(imap::decode_utf7(c.utf7) == c.utf8);
    }
}

TEST_CASE("names that are not in the canonical form are none", "[imap]")
{
    for (const char* bad : {"&", "&Jjo", "a&", "&Jjo!", "&AGE-", "&APw-&APw-", "&APx-", "&APwA-", "\xc3\xbc", "&2D0-", "&3gA-", "&Jj-", "a\x01", "&AP w-", "&APw=-"})
        CHECK(imap::decode_utf7(bad) == std::nullopt);
    CHECK(imap::encode_utf7("\xff") == std::nullopt);
}

TEST_CASE("patterns of LIST", "[imap]")
{
    struct Case { std::string pattern, name; bool does_match; };
    for (const auto& c : {Case{"*", "a.b.c", true}, {"%", "a", true}, {"%", "a.b", false}, {"%.%", "a.b", true}, {"a.%", "a.b.c", false}, {"a*", "a.b", true},
                          {"", "", true}, {"", "a", false}, {"a", "a", true}, {"a", "A", false}, {"*b", "a.b", true}, {"%b", "a.b", false}, {"**%*", "", true},
                          {"inbox", "INBOX", true}, {"iNb%", "INBOX", true}, {"inbox.A", "INBOX.A", true}, {"inbox.a", "INBOX.A", false}, {"inboxa", "INBOXA", false},
                          {"a*c", "abcbc", true}, {"a%c*", "ab.c", false}, {"a.*", "a", false}})
        CHECK(imap::matches(c.pattern, c.name, '.') == c.does_match);
}

TEST_CASE("a hostile pattern costs no more than the product of the lengths", "[imap]")
{
    std::string pattern;
    for (int i = 0; i < 500; ++i)
        pattern += "*a%";
    CHECK_FALSE(imap::matches(pattern + "b", std::string(1000, 'a'), '.'));
}

TEST_CASE("strings are quoted if they can be, else literals", "[imap]")
{
    struct Case { std::string text, written; };
    for (const auto& c : {Case{"", "\"\""}, {"a b", "\"a b\""}, {"\"\\", "\"\\\"\\\\\""}, {"a\nb", "{3}\r\na\nb"}, {"\xc3\xbc", "{2}\r\n\xc3\xbc"},
                          {std::string("a\0", 2), "{2}\r\na\x80"}, {std::string(1001, 'x'), "{1001}\r\n" + std::string(1001, 'x')}}) {
        std::string out;
        imap::append_string(out, c.text);
        CHECK(out == c.written);
    }
    std::string out;
    imap::append_nstring(out, std::nullopt);
    imap::append_astring(out, "INBOX");
    imap::append_astring(out, "a b");
    imap::append_astring(out, "NIL");
    CHECK(out == "NILINBOX\"a b\"\"NIL\"");
}

TEST_CASE("header text beyond ASCII is written as encoded words", "[imap]")
{
    std::string out;
    imap::append_header_text(out, "J\xc3\xb6");
    CHECK(out == "\"=?utf-8?B?SsO2?=\"");
    out.clear();
    imap::append_header_text(out, "=?utf-8?B?SsO2?=");
    CHECK(out == "\"=?utf-8?B?SsO2?=\"");
}
