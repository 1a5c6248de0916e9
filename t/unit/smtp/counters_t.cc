#include "smtp/counters.h"

#include <catch2/catch.hpp>

using namespace mta;

TEST_CASE("the counts of a session are written as in Postfix's disconnect line", "[smtp]")
{
    smtp::Counters counters;
    CHECK(counters.text() == "commands=0/0");
    for (auto verb : {"EHLO", "STARTTLS", "MAIL"})
        counters.count(verb, true);
    counters.count("AUTH", false);
    counters.count("RCPT", false);
    counters.count("data", false);
    counters.count("QUIT", true);
    CHECK(counters.text() == "ehlo=1 starttls=1 auth=0/1 mail=1 rcpt=0/1 data=0/1 quit=1 commands=4/7");
    counters.count("FOO", false);
    CHECK(counters.text() == "ehlo=1 starttls=1 auth=0/1 mail=1 rcpt=0/1 data=0/1 quit=1 unknown=0/1 commands=4/8");
}

TEST_CASE("counts survive as a text", "[smtp]")
{
    auto counters = smtp::Counters::parse("ehlo=2 auth=0/1 commands=2/3");
    counters.count("EHLO", true);
    CHECK(counters.text() == "ehlo=3 auth=0/1 commands=3/4");
    CHECK(smtp::Counters::parse("").text() == "commands=0/0");
    CHECK(smtp::Counters::parse("commands=9 mail=x rcpt=1/2/3 junk").text() == "commands=0/0");
}
