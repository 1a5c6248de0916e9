#include <catch2/catch.hpp>

#include "mime/charset.h"
#include "mime/transfer.h"
#include "mime/words.h"

using namespace mta;

TEST_CASE("base64 bodies: line ends and noise are skipped, padding may come early", "[mime]")
{
    struct Case { std::string coded, plain; };
    for (const auto& c : {Case{"", ""}, {"Zm9v\r\nYmFy\r\n", "foobar"}, {"Zg==", "f"}, {"Zg", "f"}, {"Zm8=Zm8=", "fofo"}, {"Z", ""},
                          {"Zm9v!#YmE", "fooba"}, {"====", ""}})
        CHECK(mime::decode_base64(c.coded) == c.plain);
}

TEST_CASE("quoted-printable bodies (RFC 2045 section 6.7)", "[mime]")
{
    struct Case { std::string coded, plain; };
    for (const auto& c : {Case{"", ""}, {"a=3Db=\r\nc\r\n", "a=bc\r\n"}, {"a  \t\r\nb ", "a\r\nb"}, {"a=  \r\nb", "ab"}, {"=C3=bc", "\xc3\xbc"},
                          {"=", ""}, {"=A", "=A"}, {"=XY=\n=4", "=XY=4"}, {"a\nb=\n", "a\nb"}, {"a=20\r\n", "a \r\n"}, {"\r\n\r\n", "\r\n\r\n"}})
        CHECK(mime::decode_quoted_printable(c.coded) == c.plain);
}

TEST_CASE("the transfer encoding is known in any case and with comments", "[mime]")
{
    CHECK(mime::parse_encoding(" Base64 (x)") == mime::Encoding::base64);
    CHECK(mime::parse_encoding("QUOTED-PRINTABLE\r\n") == mime::Encoding::quoted_printable);
    for (const char* other : {"7bit", "8bit", "binary", "", "x-uuencode"})
        CHECK(mime::parse_encoding(other) == mime::Encoding::identity);
    CHECK(mime::decode("YQ==", mime::Encoding::base64) == "a");
    CHECK(mime::decode("=41", mime::Encoding::quoted_printable) == "A");
    CHECK(mime::decode("=41", mime::Encoding::identity) == "=41");
}

TEST_CASE("character sets on the list become UTF-8, others do not", "[mime]")
{
    struct Case { std::string charset, bytes, text; };
    for (const auto& c : {Case{"ISO-8859-1", "\xfc", "\xc3\xbc"}, {"utf-8", "\xc3\xbc", "\xc3\xbc"}, {"koi8-r", "\xc1", "\xd0\xb0"},
                          {"windows-1252", "\x80", "\xe2\x82\xac"}, {"iso-2022-jp", "\x1b$B$\"\x1b(B", "\xe3\x81\x82"},
                          {"Shift_JIS", "\x82\xa0", "\xe3\x81\x82"}, {"gb2312", "\xc4\xe3", "\xe4\xbd\xa0"}, {"us-ascii", "a", "a"},
                          {"utf-16be", std::string("\0a", 2), "a"}, {"utf-7", "+AOk-", "\xc3\xa9"},
                          {"utf-8", "a\xff" "b", "a\xef\xbf\xbd" "b"}, {"koi8-r", "", ""},
                          {"euc-jp", "a\xff" "b\xa4", "a\xef\xbf\xbd" "b\xef\xbf\xbd"}})
        CHECK(mime::to_utf8(c.bytes, c.charset) == c.text);
    for (const char* unknown : {"x-nonsense", "", "utf-8//TRANSLIT", "../../lib", "UNICODELITTLE"}) {
        CHECK(mime::to_utf8("a", unknown) == std::nullopt);
        CHECK_FALSE(mime::is_known_charset(unknown));
    }
}

TEST_CASE("every converter on the list can be opened", "[mime]")
{
    mime::preload_charsets();
    for (const char* charset : {"iso-8859-8-i", "iso-8859-16", "windows-874", "macintosh", "viscii", "tcvn5712-1", "euc-tw", "big5", "cp949",
                                "iso-2022-kr", "utf-32", "ibm866", "windows-31j", "iso-8859-10", "windows-1258"})
        CHECK(mime::to_utf8("", charset) == "");
}

TEST_CASE("text without a declared character set is UTF-8 or windows-1252", "[mime]")
{
    CHECK(mime::guess_utf8("\xc3\xbc") == "\xc3\xbc");
    CHECK(mime::guess_utf8("\xfc") == "\xc3\xbc");
}

TEST_CASE("case is folded beyond ASCII", "[mime]")
{
    CHECK(mime::fold_case("ABC") == "abc");
    CHECK(mime::fold_case("\xc3\x9c" "ber") == mime::fold_case("\xc3\xbc" "BER"));
    CHECK(mime::fold_case("stra\xc3\x9f" "e") == mime::fold_case("STRASSE"));
    CHECK(mime::fold_case("u\xcc\x88") == mime::fold_case("\xc3\xbc"));  // composed
    CHECK(mime::fold_case("A\xff") == "a\xff");
}

TEST_CASE("encoded words (RFC 2047 section 8 and what is seen)", "[mime]")
{
    struct Case { std::string value, text; };
    for (const auto& c : {
             Case{"=?ISO-8859-1?Q?a?=", "a"}, {"=?ISO-8859-1?Q?a?= b", "a b"}, {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
             {"=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"}, {"=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"},
             {"=?ISO-8859-1?Q?a_b?=", "a b"}, {"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"},
             {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
              "If you can read this you understand the example."},
             {"=?utf-8?B?ww==?= =?utf-8?B?vA==?=", "\xc3\xbc"},  // a character in two halves
             {"=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "\xc3\xbc"},
             {"=?utf-8*en?Q?x?=", "x"}, {"=?nonsense?Q?x?= y", "=?nonsense?Q?x?= y"}, {"=?utf-8?X?x?=", "=?utf-8?X?x?="},
             {"=?utf-8?Q?open", "=?utf-8?Q?open"}, {"a =?utf-8?Q?b?=c", "a bc"}, {"=?utf-8?Q?a b?=", "a b"}, {"=?utf-8?Q?_?=", " "},
             {"plain\r\n folded", "plain folded"}, {"raw \xfc", "raw \xc3\xbc"}, {"=?", "=?"}, {"=?utf-8?q?\?=", ""}, {"", ""}}) {
        CAPTURE(c.value);
        CHECK(mime::decode_words(c.value) == c.text);
    }
}

TEST_CASE("hostile encoded words cost linear time", "[mime]")
{
    std::string value;
    for (int i = 0; i < 200000; ++i)
        value += "=?utf-8?q?";
    CHECK(mime::decode_words(value) == value);
}
