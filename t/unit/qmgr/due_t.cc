#include "qmgr/due.h"

#include <catch2/catch.hpp>

using namespace mta;

TEST_CASE("flushed mail comes first, the rest keeps its time", "[qmgr]")
{
    const std::string a = "4XYZabcdefzAbCdE", b = "4XYZabcdefzAbCdF", c = "4XYZabcdefzAbCdG";
    qmgr::DueHeap due;
    due.add(a, queue::State::deferred, 1000);
    due.add(b, queue::State::deferred, 2000);
    due.add(c, queue::State::deferred, 50);
    due.flush({b, c}, 100);
    CHECK(due.size() == 3);
    CHECK(due.take_first().id == c);
    auto second = due.take_first();
    CHECK(second.id == b);
    CHECK(second.due == 100);
    CHECK(due.next_due() == 1000);
    CHECK(due.flush(a, 7));
    CHECK_FALSE(due.flush(b, 7));
    CHECK(due.take_first().due == 7);
    CHECK(due.empty());
}
