#include "net/hit_counts.h"

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "net/limit_hits.h"

using namespace mta;
using net::count_hit;

namespace {

using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

Counts share_fresh_counts()
{
    auto memory = net::make_hit_counts();
    REQUIRE(memory);
    REQUIRE(net::share_hit_counts(memory->get()));
    return net::hit_counts();
}

}  // namespace

TEST_CASE("hits of a limit are counted by all processes that share the memory", "[net][limits]")
{
    CHECK(share_fresh_counts().empty());
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        children.push_back(::fork());
        if (children.back() == 0) {
            for (int hit = 0; hit < 1000; ++hit) {
                count_hit("first_limit");
                count_hit(hit % 2 == 0 ? "second_limit" : cat("limit_of_", i));
            }
            ::_exit(0);
        }
    }
    for (auto child : children)
        REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK(net::hit_counts() == Counts{{"first_limit", 4000}, {"limit_of_0", 500}, {"limit_of_1", 500}, {"limit_of_2", 500}, {"limit_of_3", 500}, {"second_limit", 2000}});
}

TEST_CASE("a hit that the log tells of only once a minute counts each time", "[net][limits]")
{
    share_fresh_counts();
    for (int i = 0; i < 3; ++i)
        net::limit_hit("third_limit", *net::Address::parse("192.0.2.77"), "4");
    CHECK(net::hit_counts() == Counts{{"third_limit", 3}});
}

TEST_CASE("the memory for hits has an end, and long names are cut", "[net][limits]")
{
    share_fresh_counts();
    for (std::size_t i = 0; i <= net::max_counted_limits; ++i)
        count_hit(cat("limit_", i));
    CHECK(net::hit_counts().size() == net::max_counted_limits);
    share_fresh_counts();
    count_hit(std::string(100, 'x'));
    count_hit(std::string(100, 'x'));
    CHECK(net::hit_counts() == Counts{{std::string(52, 'x'), 2}});
}

TEST_CASE("nobody can take the memory for hits away, and nothing else is taken for it", "[net][limits]")
{
    auto memory = net::make_hit_counts();
    REQUIRE(memory);
    CHECK(::ftruncate(memory->get(), 0) != 0);
    Fd other(::memfd_create("other", MFD_CLOEXEC));
    REQUIRE(::ftruncate(other.get(), 8192) == 0);
    CHECK_FALSE(net::share_hit_counts(other.get()));
    CHECK_FALSE(net::share_hit_counts(-1));
    CHECK_FALSE(net::share_hit_counts(STDERR_FILENO));
}
