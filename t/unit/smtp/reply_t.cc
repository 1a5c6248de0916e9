#include "smtp/reply.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;
using namespace mta::smtp;

namespace {

Reply parse(const std::vector<std::string>& lines)
{
    ReplyParser parser;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        auto reply = parser.add(lines[i]);
        REQUIRE(reply);
        REQUIRE(reply->has_value() == (i + 1 == lines.size()));
        if (*reply)
            return **reply;
    }
    return {};
}

}  // namespace

TEST_CASE("replies are read", "[smtp]")
{
    struct Case { std::vector<std::string> lines; int code; std::string status, text; };
    for (const auto& c : {
             Case{{"250 2.0.0 Ok: queued as X"}, 250, "2.0.0", "250 2.0.0 Ok: queued as X"},
             {{"250"}, 250, "2.0.0", "250"},
             {{"250 "}, 250, "2.0.0", "250"},
             {{"550-5.1.1 No such user", "550 5.1.1 here"}, 550, "5.1.1", "550-5.1.1 No such user 550 5.1.1 here"},
             {{"550 No such user"}, 550, "5.0.0", "550 No such user"},
             {{"451  4.7.1 two blanks"}, 451, "4.7.1", "451  4.7.1 two blanks"},
             {{"550 4.1.1 wrong class"}, 550, "5.0.0", "550 4.1.1 wrong class"},
             {{"550 5.1.1000 too long"}, 550, "5.0.0", "550 5.1.1000 too long"},
             {{"550 5.1.1"}, 550, "5.1.1", "550 5.1.1"},
             {{"550 5.1"}, 550, "5.0.0", "550 5.1"},
             {{"550 5..1 x"}, 550, "5.0.0", "550 5..1 x"},
             {{"354 go on"}, 354, "3.0.0", "354 go on"},
             {{"250-a", "550 b"}, 550, "5.0.0", "550-a 550 b"},
         }) {
        INFO(c.lines[0]);
        auto reply = parse(c.lines);
        CHECK(reply.code == c.code);
        CHECK(reply.status == c.status);
        CHECK(reply.text() == c.text);
    }
}

TEST_CASE("what is no reply is an error", "[smtp]")
{
    for (const char* line : {"", "2", "25", "25x ok", "250x", "2500 ok", "+OK", "150 ok", "600 no", "000 no", "-50 no", " 250 ok", "+50 ok", "HTTP/1.1 400 Bad"}) {
        ReplyParser parser;
        INFO(line);
        CHECK_FALSE(parser.add(line));
    }
}

TEST_CASE("control characters do not get through", "[smtp]")
{
    CHECK(parse({"250 a\rb\x1b[31m\x80"}).text() == "250 a?b?[31m?");
    CHECK(parse({std::string("250 a\0b", 7)}).text() == "250 a?b");
}

TEST_CASE("long replies are cut or refused", "[smtp]")
{
    CHECK(parse({"250 " + std::string(5000, 'x')}).lines[0].size() == 2048);
    ReplyParser parser;
    for (std::size_t i = 0; i < ReplyParser::max_lines; ++i)
        CHECK(parser.add("250-x"));
    CHECK_FALSE(parser.add("250-x"));
    std::vector<std::string> lines(10, "550-" + std::string(1000, 'x'));
    lines.push_back("550 end");
    CHECK(parse(lines).text().size() == 4096);
}

TEST_CASE("extensions of a server", "[smtp]")
{
    auto extensions = parse_extensions(parse({"250-mx.example at your service", "250-PIPELINING", "250-size 1000", "250-AUTH PLAIN login",
                                              "250-AUTH=PLAIN", "250-b@d x", "250-", "250 8BITMIME"}));
    REQUIRE(extensions.size() == 5);
    CHECK(extensions[0].keyword == "PIPELINING");
    CHECK(extensions[1].keyword == "SIZE");
    CHECK(extensions[1].parameters == std::vector<std::string>{"1000"});
    CHECK(extensions[2].parameters == std::vector<std::string>{"PLAIN", "LOGIN"});
    CHECK(extensions[3].keyword == "AUTH");
    CHECK(extensions[4].keyword == "8BITMIME");
}

TEST_CASE("any bytes as a reply do not crash", "[smtp]")
{
    unsigned seed = 7;
    for (int round = 0; round < 20000; ++round) {
        std::string line = round % 2 ? "250-" : "";
        for (unsigned i = 0; i < seed % 40; ++i) {
            seed = seed * 1103515245u + 12345u;
            line += static_cast<char>(seed >> 16);
        }
        seed = seed * 1103515245u + 12345u;
        ReplyParser parser;
        auto reply = parser.add(line);
        if (reply && *reply)
            CHECK((*reply)->text() == printable((*reply)->text()));
    }
}
