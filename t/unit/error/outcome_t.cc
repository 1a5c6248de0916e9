#include "error/outcome.h"

#include <catch2/catch.hpp>

#include "deliver/reason.h"

using namespace mta;

TEST_CASE("the service error bounces and the service retry defers, with the next hop as the reason", "[error]")
{
    struct Case {
        const char *service, *nexthop;
        deliver::Action action;
        const char *status, *text;
    };
    const Case cases[] = {
        {"error", "5.1.1 no such user", deliver::Action::bounced, "5.1.1", "no such user"},
        {"error", "mail for this domain is not accepted", deliver::Action::bounced, "5.0.0", "mail for this domain is not accepted"},
        {"error", "4.2.2 full", deliver::Action::bounced, "5.0.0", "full"},
        {"retry", "4.4.2 later", deliver::Action::deferred, "4.4.2", "later"},
        {"retry", "delivery temporarily suspended", deliver::Action::deferred, "4.0.0", "delivery temporarily suspended"},
        {"retry", "5.1.1 no", deliver::Action::deferred, "4.0.0", "no"},
        {"mine", "5.7.1 go away", deliver::Action::bounced, "5.7.1", "go away"},
    };
    for (const auto& c : cases) {
        auto outcome = error::outcome_for(c.service, c.nexthop);
        CHECK(outcome.action == c.action);
        CHECK(outcome.status == c.status);
        CHECK(outcome.text == c.text);
    }
}

TEST_CASE("only a whole enhanced status is taken for one", "[error]")
{
    CHECK(deliver::status_length("5.1.1 x") == 5);
    CHECK(deliver::status_length("4.123.999") == 9);
    CHECK(deliver::status_length("2.0.0\tok") == 5);
    for (auto text : {"", "5", "5.1", "5.1. x", "5.1.1x", "3.0.0 x", "5.1234.1 x", "5.1.1.1 x", " 5.1.1 x", "51.1 x"})
        CHECK(deliver::status_length(text) == 0);
    auto reason = deliver::split_reason("2.1.5   dropped ", '2', "2.0.0");
    CHECK(reason.status == "2.1.5");
    CHECK(reason.text == "dropped");
    CHECK(deliver::split_reason("4.1.1 x", '*', "5.3.0").status == "4.1.1");
}
