#include "local/members.h"

#include <catch2/catch.hpp>

using namespace mta;
using local::Member;

TEST_CASE("each form of an alias member is known", "[local]")
{
    struct Case { std::string text; Member::Kind kind; std::string result; };
    for (const auto& c : {Case{"user", Member::Kind::address, "user"}, {"user@example.com", Member::Kind::address, "user@example.com"},
                          {"Anna B <anna@example.com>", Member::Kind::address, "anna@example.com"}, {"\"a b\"@example.com", Member::Kind::address, "a b@example.com"},
                          {"/var/mail/x", Member::Kind::file, "/var/mail/x"}, {"\"/var/mail/x y\"", Member::Kind::file, "/var/mail/x y"}, {"|cmd -x", Member::Kind::command, "cmd -x"},
                          {"\"|cmd 'a, b'\"", Member::Kind::command, "cmd 'a, b'"}, {"|\"cmd a\"", Member::Kind::command, "\"cmd a\""},
                          {"\"|cmd \\\"a\\\"\"", Member::Kind::command, "cmd \"a\""}, {":include:/etc/list", Member::Kind::include, "/etc/list"},
                          {":Include: /etc/list", Member::Kind::include, "/etc/list"}, {"\"| cmd\"", Member::Kind::command, "cmd"}}) {
        INFO(c.text);
        auto members = local::parse_members(c.text);
        REQUIRE(members);
        REQUIRE(members->size() == 1);
        CHECK((*members)[0].kind == c.kind);
        CHECK((*members)[0].text == c.result);
        CHECK_FALSE((*members)[0].is_final);
    }
}

TEST_CASE("a backslash stops further aliases", "[local]")
{
    auto members = local::parse_members("\\user, \"|vacation user\"");
    REQUIRE(members->size() == 2);
    CHECK((*members)[0].text == "user");
    CHECK((*members)[0].is_final);
    CHECK((*members)[1].kind == Member::Kind::command);
}

TEST_CASE("members are separated by commas and line ends, not within quotes", "[local]")
{
    auto members = local::parse_members("# comment\na, b,,\n  # another\n\"|x, y\" , c\n\n");
    REQUIRE(members);
    std::string all;
    for (const auto& member : *members)
        all += member.text + ";";
    CHECK(all == "a;b;x, y;c;");
    CHECK(local::parse_members("")->empty());
}

TEST_CASE("broken members are errors, never half of what was meant", "[local]")
{
    for (const auto* bad : {"\"|cmd", "a, \"b", "|", ":include:", "\\", "\"\""})
        CHECK_FALSE(local::parse_members(bad));
}
