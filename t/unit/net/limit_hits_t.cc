#include "net/limit_hits.h"

#include <catch2/catch.hpp>
#include <vector>

#include "base/text.h"

using namespace mta;
using namespace mta::net;
using namespace std::chrono_literals;

namespace {

struct Log {
    std::vector<std::string> lines;
    LimitHits hits{[this](const std::string& line) { lines.push_back(line); }};
    LimitHits::Clock::time_point now = LimitHits::Clock::now();

    void hit(std::string_view limit, std::string_view source, std::string_view value, std::string_view words = {})
    {
        hits.hit(limit, *Address::parse(source), value, now, words);
    }
};
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a source of hits has one line a minute for each limit", "[net][limits]")
{
    Log log;
    log.hit("count", "192.0.2.1", "21");
    for (int i = 0; i < 1000; ++i)
        log.hit("count", "192.0.2.1", "22");
    log.hit("rate", "192.0.2.1", "61", "Connection rate limit exceeded: 61");
    log.hit("count", "192.0.2.2", "21");
    CHECK(log.lines == Lines{"limit hit: count source=[192.0.2.1] value=21", "Connection rate limit exceeded: 61",
                             "limit hit: count source=[192.0.2.2] value=21"});
    log.now += 59s;
    log.hits.report(log.now);
    CHECK(log.lines.size() == 3);
    log.now += 1s;
    log.hit("count", "192.0.2.1", "23");
    REQUIRE(log.lines.size() == 4);
    CHECK(log.lines.back() == "limit hit: count source=[192.0.2.1] value=22 (1000 more times within a minute)");
    log.now += 60s;
    log.hits.report(log.now);
    CHECK(log.lines.back() == "limit hit: count source=[192.0.2.1] value=23 (1 more times within a minute)");
    log.now += 60s;
    log.hits.report(log.now);
    CHECK(log.lines.size() == 5);
    CHECK(log.hits.size() == 0);
    CHECK(log.hits.total() == 1004);
}

TEST_CASE("a client with a network of its own is one source", "[net][limits]")
{
    Log log;
    for (int i = 1; i < 100; ++i)
        log.hit("count", cat("2001:db8::", i), "21");
    CHECK(log.lines == Lines{"limit hit: count source=[2001:db8::] value=21"});
}

TEST_CASE("a crowd of sources costs no more memory than a thousand of them", "[net][limits]")
{
    Log log;
    for (int i = 0; i < 100000; ++i)
        log.hit("count", cat("10.", i / 65536, ".", i / 256 % 256, ".", i % 256), std::string(10000, 'x'));
    CHECK(log.hits.size() == LimitHits::max_sources + 1);
    CHECK(log.lines.size() == LimitHits::max_sources + 1);
    CHECK(log.lines.back() == cat("limit hit: count source=others value=", std::string(64, 'x')));
    log.now += 60s;
    log.hits.report(log.now);
    CHECK(log.lines.back() == cat("limit hit: count source=others value=", std::string(64, 'x'), " (98999 more times within a minute)"));
    log.hit("count", "192.0.2.77", "21");  // there is room again
    CHECK(log.lines.back() == "limit hit: count source=[192.0.2.77] value=21");
}

TEST_CASE("what has not been reported is at the end", "[net][limits]")
{
    Log log;
    log.hit("count", "192.0.2.1", "21");
    log.hit("count", "192.0.2.1", "22");
    log.hits.report_all();
    CHECK(log.lines.back() == "limit hit: count source=[192.0.2.1] value=22 (1 more times within a minute)");
}
