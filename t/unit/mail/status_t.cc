#include "mail/status.h"

#include <catch2/catch.hpp>

using namespace mta;

TEST_CASE("enhanced status codes are recognised", "[mail]")
{
    for (std::string good : {"2.0.0", "4.3.2", "5.1.1", "5.7.26", "5.999.999"})
        CHECK(mail::is_status(good));
    for (std::string bad : {"", "5", "5.1", "5.1.", "1.0.0", "3.0.0", "5.1.1.1", "5.1.1234", "x.1.1", "5.-1.1", "55.1.1", " 5.1.1"})
        CHECK_FALSE(mail::is_status(bad));
}

TEST_CASE("a text is told from the status before it", "[mail]")
{
    auto with = mail::split_status("5.7.1 go away", "5.0.0");
    CHECK(with.status == "5.7.1");
    CHECK(with.text == "go away");
    auto without = mail::split_status(" go away ", "5.0.0");
    CHECK(without.status == "5.0.0");
    CHECK(without.text == "go away");
    CHECK(mail::split_status("4.2.0", "5.0.0").text.empty());
    CHECK(mail::split_status("", "5.0.0").status == "5.0.0");
}

TEST_CASE("an error becomes a reply of the same class", "[mail]")
{
    struct Case { std::string status; int code; };
    for (const auto& c : {Case{"5.1.1", 550}, {"5.1.3", 501}, {"5.1.7", 501}, {"5.3.4", 552}, {"4.3.1", 452}, {"4.5.3", 452}, {"4.3.0", 451},
                          {"4.7.1", 450}, {"5.4.0", 554}, {"5.6.0", 554}, {"5.99.99", 554}, {"4.99.99", 451}, {"2.0.0", 250}, {"", 451},
                          {"nonsense", 451}, {"5.6.7", 553}}) {
        CAPTURE(c.status);
        CHECK(mail::reply_code(c.status) == c.code);
    }
    CHECK(mail::reply_line(failure("table is broken")) == "451 4.3.0 table is broken");
    CHECK(mail::with_class("5.1.1", '4') == "4.1.1");
}
