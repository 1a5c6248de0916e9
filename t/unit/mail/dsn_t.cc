#include "mail/dsn.h"

#include <catch2/catch.hpp>

using namespace mta;

TEST_CASE("success is told for an alias, not for each of its copies", "[mail]")      // RFC 3461 section 5.2.7
{
    struct Case { std::string asked, copies; };
    for (const auto& c : {Case{"SUCCESS", "NEVER"}, {"SUCCESS,FAILURE", "FAILURE"}, {"SUCCESS,DELAY", "DELAY"}, {"NEVER", "NEVER"}, {"FAILURE,DELAY", "FAILURE,DELAY"}})
        CHECK(mail::Notify::parse(c.asked)->for_copies().text() == c.copies);
    CHECK(mail::Notify().for_copies().text().empty());
}

TEST_CASE("NOTIFY is a set, NEVER stands alone", "[mail]")
{
    CHECK(mail::Notify::parse("NEVER")->text() == "NEVER");
    CHECK(mail::Notify::parse("delay,Success")->text() == "SUCCESS,DELAY");
    CHECK(mail::Notify::parse("SUCCESS,FAILURE,DELAY")->text() == "SUCCESS,FAILURE,DELAY");
    for (std::string bad : {"", ",", "NEVER,SUCCESS", "SUCCESS,NEVER", "SOMETIMES", "SUCCESS,", "SUCCESS, DELAY"})
        CHECK_FALSE(mail::Notify::parse(bad));
    mail::Notify nothing;
    CHECK(nothing.wants_failure());
    CHECK(nothing.wants_delay());
    CHECK_FALSE(nothing.wants_success());
    CHECK_FALSE(mail::Notify::parse("NEVER")->wants_failure());
    CHECK_FALSE(mail::Notify::parse("SUCCESS")->wants_failure());
    CHECK(nothing.text().empty());
}

TEST_CASE("RET, ENVID and ORCPT", "[mail]")
{
    CHECK(mail::parse_ret("full") == mail::Ret::full);
    CHECK(mail::parse_ret("HDRS") == mail::Ret::headers);
    CHECK_FALSE(mail::parse_ret(""));
    CHECK(mail::text_of(mail::Ret::headers) == "HDRS");
    CHECK(mail::text_of(mail::Ret::unspecified).empty());
    CHECK(mail::is_envid("QQ314159"));
    CHECK(mail::is_envid("a+2Bb"));
    for (std::string bad : {"", "a+2", "a=b", "a+0Ab", "a b"})
        CHECK_FALSE(mail::is_envid(bad));
    CHECK(mail::is_envid(std::string(100, 'x')));
    CHECK_FALSE(mail::is_envid(std::string(101, 'x')));

    auto orcpt = mail::OriginalRecipient::parse("rfc822;Bob+2Bx@example.com");
    REQUIRE(orcpt);
    CHECK(orcpt->type == "rfc822");
    CHECK(orcpt->address == "Bob+x@example.com");
    CHECK(orcpt->text() == "rfc822;Bob+2Bx@example.com");
    for (std::string bad : {"", "rfc822", "rfc822;", ";x", "rfc 822;x", "rfc822;a+0D", "rfc822;a b", "rfc822;+ZZ"})
        CHECK_FALSE(mail::OriginalRecipient::parse(bad));
    CHECK_FALSE(mail::OriginalRecipient::parse("rfc822;" + std::string(500, 'x')));
}
