#include "mail/extension.h"

#include <catch2/catch.hpp>

#include <string>

using namespace mta;

TEST_CASE("extensions are split at the first delimiter, reserved names are not", "[mail]")
{
    struct Case { std::string local, delimiters, user, extension; char delimiter; };
    for (const auto& c : {
             Case{"user", "+", "user", "", '\0'},
             {"user+ext", "+", "user", "ext", '+'},
             {"user+ext", "", "user+ext", "", '\0'},
             {"user+", "+", "user", "", '+'},
             {"+ext", "+", "+ext", "", '\0'},
             {"user+a+b", "+", "user", "a+b", '+'},
             {"user-a+b", "+-", "user", "a+b", '-'},
             {"user+a-b", "+-", "user", "a-b", '+'},
             {"MAILER-DAEMON", "-", "MAILER-DAEMON", "", '\0'},
             {"double-bounce", "-", "double-bounce", "", '\0'},
             {"owner-list", "-", "owner-list", "", '\0'},
             {"Owner-list+x", "+-", "Owner-list+x", "", '\0'},
             {"list-request", "-", "list-request", "", '\0'},
             {"-request", "-", "-request", "", '\0'},
             {"owner-list", "+", "owner-list", "", '\0'},
             {"owner-a+b", "+", "owner-a", "b", '+'},
             {"a-requests", "-", "a", "requests", '-'},
         }) {
        CAPTURE(c.local, c.delimiters);
        auto split = mail::split_extension(c.local, c.delimiters);
        CHECK(split.user == c.user);
        CHECK(split.extension == c.extension);
        CHECK(split.delimiter == c.delimiter);
        CHECK(split.has_extension() == (c.delimiter != '\0'));
    }
}
