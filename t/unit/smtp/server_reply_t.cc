#include "smtp/server_reply.h"

#include <catch2/catch.hpp>

using namespace mta;

TEST_CASE("replies of one and of several lines", "[smtp]")
{
    CHECK(smtp::format_reply("250 2.1.0 Ok") == "250 2.1.0 Ok\r\n");
    CHECK(smtp::format_reply("354 End data with <CR><LF>.<CR><LF>") == "354 End data with <CR><LF>.<CR><LF>\r\n");
    CHECK(smtp::format_reply("550 5.7.1 no\nand no") == "550-5.7.1 no\r\n550 5.7.1 and no\r\n");
    CHECK(smtp::format_lines(250, {"mx.example", "SIZE 10", "8BITMIME"}) == "250-mx.example\r\n250-SIZE 10\r\n250 8BITMIME\r\n");
    CHECK(smtp::code_of("250 2.1.0 Ok") == 250);
    CHECK(smtp::code_of("x") == 0);
    CHECK(smtp::code_of("") == 0);
}

TEST_CASE("a foreign text cannot forge a reply line", "[smtp]")
{
    auto reply = smtp::format_reply("550 5.1.1 <a\r250 2.0.0 Ok\x1b[2J>: unknown");
    CHECK(reply.find('\r') == reply.size() - 2);
    CHECK(reply.find('\x1b') == std::string::npos);
    CHECK(smtp::format_reply("550 5.1.1 " + std::string(2000, 'x')).size() == 512);
}
