#include "qmgr/due.h"

#include <catch2/catch.hpp>

using namespace mta;

namespace {

const std::string a = "4XYZabcdefzAbCdE", b = "4XYZabcdefzAbCdF", c = "4XYZabcdefzAbCdG";

}  // namespace

TEST_CASE("flushed mail comes first, the rest keeps its time", "[qmgr]")
{
    qmgr::DueHeap due;
    due.add(a, queue::State::deferred, 1000);
    due.add(b, queue::State::deferred, 2000);
    due.add(c, queue::State::active, 50);
    CHECK(due.flush(b, 40));
    CHECK(due.size() == 3);
    CHECK(due.next_due() == 40);
    CHECK(due.take_first().id == b);
    auto second = due.take_first();
    CHECK(second.id == c);
    CHECK(second.state == queue::State::active);
    CHECK(due.next_due() == 1000);
    CHECK(due.flush(a, 7));
    CHECK_FALSE(due.flush(b, 7));
    CHECK(due.next_due() == 7);
    CHECK(due.take_first().id == a);
    CHECK(due.empty());
}

TEST_CASE("a flush of all keeps the order, and what comes later comes later", "[qmgr]")
{
    qmgr::DueHeap due;
    due.add(a, queue::State::deferred, 3000);
    due.add(b, queue::State::deferred, 2000);
    due.flush();
    due.add(c, queue::State::deferred, 1000);
    CHECK(due.next_due() == 0);
    CHECK(due.flush(b, 5000));
    CHECK(due.take_first().id == a);
    CHECK(due.next_due() == 1000);
    due.flush();
    CHECK(due.take_first().id == c);
    due.add(a, queue::State::deferred, 10);
    due.flush();
    CHECK(due.take_first().id == a);
    CHECK(due.take_first().id == b);
    CHECK(due.empty());
}

TEST_CASE("a mail waits once, at its latest place", "[qmgr]")
{
    qmgr::DueHeap due;
    due.add(a, queue::State::deferred, 1000);
    due.add(a, queue::State::active, 10);
    CHECK(due.size() == 1);
    CHECK(due.contains(a));
    CHECK_FALSE(due.contains(b));
    CHECK(due.next_due() == 10);
    CHECK(due.take_first().state == queue::State::active);
    CHECK(due.empty());
}

TEST_CASE("waiting mail can be walked through by ID", "[qmgr]")
{
    qmgr::DueHeap due;
    due.add(c, queue::State::deferred, 1);
    due.add(a, queue::State::deferred, 3);
    due.add(b, queue::State::deferred, 2);
    std::vector<std::string> ids;
    for (auto item = due.next_after(""); item; item = due.next_after(item->id))
        ids.push_back(item->id);
    CHECK(ids == std::vector<std::string>{a, b, c});
}
