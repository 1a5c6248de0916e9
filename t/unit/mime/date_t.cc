#include "mime/date.h"

#include <catch2/catch.hpp>

using namespace mta;
using mime::DateTime;

TEST_CASE("dates of RFC 5322 and its obsolete forms are understood", "[mime]")
{
    struct Case { std::string text; DateTime time; };
    for (const auto& c : {
             Case{"Fri, 21 Nov 1997 09:55:06 -0600", {1997, 11, 21, 9, 55, 6, -360}},
             {"Tue, 1 Jul 2003 10:52:37 +0200", {2003, 7, 1, 10, 52, 37, 120}},
             {"Thu,\r\n     13\r\n       Feb\r\n  1969\r\n  23:32\r\n   -0330 (Newfoundland Time)", {1969, 2, 13, 23, 32, 0, -210}},
             {"21 Nov 97 09:55:06 GMT", {1997, 11, 21, 9, 55, 6, 0}},  // RFC 5322 appendix A.6.2
             {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", {1997, 11, 21, 9, 55, 6, -360}},
             {"1 Jan 49 00:00 EST", {2049, 1, 1, 0, 0, 0, -300}},
             {"1 Jan 50 00:00 PDT", {1950, 1, 1, 0, 0, 0, -420}},
             {"1 Jan 103 00:00 Z", {2003, 1, 1, 0, 0, 0, 0}},
             {"1 Jan 2003 00:00 A", {2003, 1, 1, 0, 0, 0, 0}},
             {"29 Feb 2024 23:59:60 +0000", {2024, 2, 29, 23, 59, 60, 0}},
             {"Sat Nov 27 10:12:13 1997", {1997, 11, 27, 10, 12, 13, 0}},
             {"Sat Nov 27 10:12:13 PST 1997", {1997, 11, 27, 10, 12, 13, -480}},
             {"Tuesday, 1 July 2003 10:52:37 GMT+0200", {2003, 7, 1, 10, 52, 37, 0}},
             {"1-Jul-2003 10:52:37 +0200", {2003, 7, 1, 10, 52, 37, 120}},
             {"Tue, 1 Jul 2003 10:52:37 -0000 (UTC)", {2003, 7, 1, 10, 52, 37, 0}},
             {"1 Jul 2003", {2003, 7, 1, 0, 0, 0, 0}}}) {
        CAPTURE(c.text);
        auto time = mime::parse_date(c.text);
        REQUIRE(time);
        CHECK(*time == c.time);
    }
}

TEST_CASE("what is no date gives none", "[mime]")
{
    for (const char* text : {"", "today", "32 Jan 2003 00:00 +0000", "29 Feb 2023 00:00 +0000", "1 Foo 2003 00:00", "Mon,",
                             "1 Jan 2003 25:00 +0000", "1 Jan 2003 10:60 +0000", "12345678901234567890", "(", ",,,,"})
        CHECK_FALSE(mime::parse_date(text));
}

TEST_CASE("unix time and back", "[mime]")
{
    CHECK(DateTime{1970, 1, 1, 0, 0, 0, 0}.unix_time() == 0);
    CHECK(DateTime{2003, 7, 1, 10, 52, 37, 120}.unix_time() == 1057049557);
    CHECK(DateTime{2000, 2, 29, 0, 0, 0, 0}.unix_time() == 951782400);
    CHECK(DateTime{1969, 12, 31, 23, 59, 59, 0}.unix_time() == -1);
    for (std::int64_t seconds : {0L, 951782400L, 1057049557L, 4102444800L, -86401L})
        for (int zone : {0, 120, -210, 840})
            CHECK(DateTime::from_unix(seconds, zone).unix_time() == seconds);
    CHECK(DateTime::from_unix(1057049557, 120) == DateTime{2003, 7, 1, 10, 52, 37, 120});
}

TEST_CASE("dates are written as RFC 5322 wants and read back", "[mime]")
{
    CHECK(mime::format_date({2003, 7, 1, 10, 52, 37, 120}) == "Tue, 01 Jul 2003 10:52:37 +0200");
    CHECK(mime::format_date({1970, 1, 1, 0, 0, 0, -210}) == "Thu, 01 Jan 1970 00:00:00 -0330");
    CHECK(mime::format_date({1969, 12, 28, 0, 0, 0, 0}) == "Sun, 28 Dec 1969 00:00:00 +0000");
    CHECK(mime::parse_date(mime::format_date({2003, 7, 1, 10, 52, 37, -30})) == DateTime{2003, 7, 1, 10, 52, 37, -30});
}

TEST_CASE("IMAP's internal date: the day is padded with a space", "[mime]")
{
    CHECK(mime::format_internal_date({2003, 7, 1, 10, 52, 37, 120}) == " 1-Jul-2003 10:52:37 +0200");
    CHECK(mime::format_internal_date({1996, 7, 17, 2, 44, 25, -420}) == "17-Jul-1996 02:44:25 -0700");
    CHECK(mime::parse_internal_date("17-Jul-1996 02:44:25 -0700") == DateTime{1996, 7, 17, 2, 44, 25, -420});
    CHECK(mime::parse_internal_date(" 1-jul-2003 10:52:37 +0200") == DateTime{2003, 7, 1, 10, 52, 37, 120});
    CHECK(mime::parse_internal_date("01-Jul-2003 10:52:37 +0200") == DateTime{2003, 7, 1, 10, 52, 37, 120});
    for (const char* bad : {"1-Jul-2003 10:52:37 +0200", "17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 GMT", "", "31-Feb-1996 02:44:25 +0000",
                            "17-Foo-1996 02:44:25 -0700", "17-Jul-1996 02:44:25 -0760", "17-Jul-1996 24:44:25 -0700"})
        CHECK_FALSE(mime::parse_internal_date(bad));
}

TEST_CASE("IMAP's date has one or two digits for the day", "[mime]")
{
    CHECK(mime::parse_imap_date("1-Feb-1994") == DateTime{1994, 2, 1, 0, 0, 0, 0});
    CHECK(mime::parse_imap_date("01-FEB-1994") == DateTime{1994, 2, 1, 0, 0, 0, 0});
    for (const char* bad : {"", "1-Feb-94", "001-Feb-1994", "1-February-1994", "1 Feb 1994", "30-Feb-1994", "-1-Feb-1994", "+1-Feb-1994"})
        CHECK_FALSE(mime::parse_imap_date(bad));
}
