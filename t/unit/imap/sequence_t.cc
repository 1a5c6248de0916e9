#include "imap/sequence.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;
using imap::SequenceSet;

namespace {

std::string resolved(std::string_view text, std::uint32_t largest)
{
    auto set = SequenceSet::parse(text);
    if (!set)
        return "bad";
    std::string out;
    for (auto range : set->resolve(largest))
        out += cat(out.empty() ? "" : ",", range.first, ":", range.last);
    return out;
}

}  // namespace

TEST_CASE("sequence sets are sorted and merged, * is the largest", "[imap]")
{
    struct Case { std::string text; std::uint32_t largest; std::string wanted; };
    for (const auto& c : {Case{"1", 9, "1:1"}, {"2,4:7,9,12:*", 15, "2:2,4:7,9:9,12:15"}, {"*:4,5:7", 10, "4:10"},  // RFC 3501 section 9
                          {"5:1", 9, "1:5"}, {"1,1,1", 9, "1:1"}, {"1:3,2:5", 9, "1:5"}, {"1,2,3", 9, "1:3"}, {"*", 9, "9:9"}, {"*", 0, ""},
                          {"999:*", 500, "500:999"}, {"1:*", 0, ""}, {"4294967295,1", 5, "1:1,4294967295:4294967295"}, {"*:*", 3, "3:3"}})
        CHECK(resolved(c.text, c.largest) == c.wanted);
    for (const char* bad : {"", "0", "01", "1:", ":1", "1,,2", "1,", "a", "1:2:3", "4294967296", "-1", "1 2", "**"})
        CHECK(resolved(bad, 9) == "bad");
}

TEST_CASE("a set goes beyond a mailbox if a number is too large or * has nothing to stand for", "[imap]")
{
    struct Case { std::string text; std::uint32_t count; bool goes_beyond; };
    for (const auto& c : {Case{"1:5", 5, false}, {"1:6", 5, true}, {"6:1", 5, true}, {"*", 5, false}, {"*", 0, true}, {"1:*", 0, true}, {"7:*", 5, true}})
        CHECK(SequenceSet::parse(c.text)->goes_beyond(c.count) == c.goes_beyond);
}

TEST_CASE("membership in ranges", "[imap]")
{
    std::vector<imap::Range> ranges{{2, 3}, {7, 7}};
    for (auto [number, is_in] : {std::pair{1u, false}, {2u, true}, {3u, true}, {4u, false}, {7u, true}, {8u, false}})
        CHECK(imap::contains(ranges, number) == is_in);
    CHECK_FALSE(imap::contains({}, 1));
}

TEST_CASE("a huge set is read in linear time", "[imap]")
{
    std::string text = "1";
    for (int i = 1; i < 200000; ++i)
        text += cat(",", i * 2 + 1);
    auto set = SequenceSet::parse(text);
    REQUIRE(set);
    CHECK(set->resolve(1).size() == 200000);
}

TEST_CASE("numbers are written as a compact set", "[imap]")
{
    CHECK(imap::compact_set({}) == "");
    CHECK(imap::compact_set({5}) == "5");
    CHECK(imap::compact_set({1, 2, 3, 5, 7, 8}) == "1:3,5,7:8");
}
