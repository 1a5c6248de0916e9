#include "qmgr/destination.h"

#include <catch2/catch.hpp>

using namespace mta;
using namespace mta::qmgr;
using namespace std::chrono_literals;

namespace {

TransportSettings settings() { return {}; }

Entry entry(ActiveMail& mail, long number)
{
    Entry e;
    e.mail = &mail;
    e.targets.push_back({number, "x"});
    return e;
}

}  // namespace

TEST_CASE("mails take turns within a destination", "[qmgr]")
{
    auto s = settings();
    Destination destination("d", "d", s);
    ActiveMail big, small;
    for (long i = 0; i < 3; ++i)
        destination.add(entry(big, i));
    destination.add(entry(small, 0));
    std::vector<ActiveMail*> order;
    for (int i = 0; i < 4; ++i)
        order.push_back(destination.take(Clock::now()).mail);
    CHECK(order == std::vector<ActiveMail*>{&big, &small, &big, &big});
}

TEST_CASE("the last mail that waits for nothing else can be taken back", "[qmgr]")
{
    auto s = settings();
    Destination destination("d", "d", s);
    ActiveMail first, elsewhere, begun;
    for (auto* mail : {&first, &elsewhere, &begun}) {
        mail->open = mail->entries = 1;
        destination.add(entry(*mail, 0));
    }
    elsewhere.entries = 2;
    begun.open = 2;
    auto taken = destination.take_last_alone();
    REQUIRE(taken);
    CHECK(taken->mail == &first);
    CHECK(destination.waiting_mails() == 2);
    CHECK_FALSE(destination.take_last_alone());
    destination.add(std::move(*taken));
    CHECK(destination.take(Clock::now()).mail == &elsewhere);
    CHECK(destination.take(Clock::now()).mail == &begun);
    CHECK(destination.take(Clock::now()).mail == &first);
}

TEST_CASE("the window opens with successes up to the limit", "[qmgr]")
{
    auto s = settings();
    Destination destination("d", "d", s);
    ActiveMail mail;
    for (long i = 0; i < 100; ++i)
        destination.add(entry(mail, i));
    long started = 0;
    while (destination.is_ready(Clock::now())) {
        destination.take(Clock::now());
        ++started;
    }
    CHECK(started == s.initial_concurrency);
    for (int round = 0; round < 60; ++round) {
        destination.finished();
        destination.reached();
        while (destination.is_ready(Clock::now()))
            destination.take(Clock::now());
    }
    CHECK(destination.busy() == s.concurrency_limit);
}

TEST_CASE("a destination that cannot be reached is suspended, and one delivery tries it afterwards", "[qmgr]")
{
    auto s = settings();
    Destination destination("d", "d", s);
    ActiveMail mail;
    for (long i = 0; i < 10; ++i)
        destination.add(entry(mail, i));
    int failures = 0;
    while (!destination.is_suspended(Clock::now()) && ++failures < 100)
        destination.not_reached("4.4.1", "connect: refused", 300s);
    CHECK(failures <= s.initial_concurrency);
    CHECK_FALSE(destination.is_ready(Clock::now()));
    CHECK(destination.reason_text() == "connect: refused");
    auto later = Clock::now() + 301s;
    REQUIRE(destination.is_ready(later));
    destination.take(later);
    CHECK_FALSE(destination.is_ready(later));
}

TEST_CASE("a cohort limit of 0 never suspends", "[qmgr]")
{
    auto s = settings();
    s.failed_cohort_limit = 0;
    Destination destination("d", "d", s);
    for (int i = 0; i < 100; ++i)
        destination.not_reached("4.4.1", "refused", 300s);
    CHECK_FALSE(destination.is_suspended(Clock::now()));
}

TEST_CASE("a rate delay allows one delivery at a time, with a pause", "[qmgr]")
{
    auto s = settings();
    s.rate_delay = 10s;
    Destination destination("d", "d", s);
    ActiveMail mail;
    destination.add(entry(mail, 0));
    destination.add(entry(mail, 1));
    auto now = Clock::now();
    destination.take(now);
    CHECK_FALSE(destination.is_ready(now + 20s));  // still one in hand
    destination.finished();
    CHECK_FALSE(destination.is_ready(now + 5s));
    CHECK(destination.wakes_at(now + 5s) == now + 10s);
    CHECK(destination.is_ready(now + 10s));
}
