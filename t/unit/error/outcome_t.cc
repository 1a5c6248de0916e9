#include "error/outcome.h"

#include <catch2/catch.hpp>

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
