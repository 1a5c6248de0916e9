#include "maildir/uid_state.h"

#include <catch2/catch.hpp>

namespace mta::maildir {
namespace {

Record record(Uid uid, const std::string& name)
{
    Record made;
    made.uid = uid;
    made.inode = 100 + uid;
    made.facts = Facts{1700000000, 10, 12};
    made.keywords = uid;
    made.name = name;
    return made;
}

Lines example()
{
    Lines lines;
    lines.header(77);
    lines.reserve(65, "boot1");
    lines.keyword(0, "$Forwarded");
    lines.keyword(1, "NonJunk");
    lines.add(record(1, "one,S=10:2,S"));
    lines.add(record(2, "two words"));
    lines.add(record(3, "three"));
    return lines;
}

}  // namespace

TEST_CASE("what lines say is in the state", "[maildir]")
{
    auto lines = example();
    lines.set_keywords(1, 0x8000000000000000);
    lines.rename(2, 5, "cur/two words:2,F");
    lines.facts(2, {5, 20, std::nullopt});
    lines.expunge(3);
    lines.first_recent(3);
    lines.mark({{5, 6}, 7});
    UidState state;
    const auto parsed = apply_lines(state, lines.text(), true, "boot1");
    CHECK(parsed.has_header);
    CHECK_FALSE(parsed.is_damaged);
    CHECK(state.uid_validity == 77);
    CHECK(state.next == 4);
    CHECK(state.reserved == 65);
    CHECK(state.records.size() == 2);
    CHECK(state.find(1)->keywords == 0x8000000000000000);
    CHECK(state.find(2)->name == "two words:2,F");
    CHECK(state.find(2)->inode == 5);
    CHECK(state.find(2)->facts->size == 20);
    CHECK_FALSE(state.find(2)->facts->crlf_size);
    CHECK(state.find(3) == nullptr);
    CHECK(state.first_recent == 3);
    CHECK(state.mark.times == DirTimes{5, 6});
    CHECK(state.keyword_bit("nonjunk") == 1u);
    CHECK_FALSE(state.keyword_bit(""));
}

TEST_CASE("date and sizes may be unknown at first", "[maildir]")
{
    Lines lines;
    lines.header(77);
    auto unknown = record(1, "one");
    unknown.facts.reset();
    lines.add(unknown);
    auto half_known = record(2, "two");
    half_known.facts->crlf_size.reset();
    lines.add(half_known);
    UidState state;
    REQUIRE_FALSE(apply_lines(state, lines.text(), true, "b").is_damaged);
    CHECK_FALSE(state.find(1)->facts);
    CHECK(state.find(1)->name == "one");
    CHECK(state.find(2)->facts->date == 1700000000);
    CHECK_FALSE(state.find(2)->facts->crlf_size);
    Lines more;
    more.facts(1, {1600000000, 4, 5});
    REQUIRE_FALSE(apply_lines(state, more.text(), false, "b").is_damaged);
    CHECK(state.find(1)->facts->date == 1600000000);
    CHECK(state.find(1)->facts->crlf_size == 5);
}

TEST_CASE("a snapshot says the same as the lines before it", "[maildir]")
{
    UidState state, again;
    auto lines = example();
    lines.expunge(3);
    apply_lines(state, lines.text(), true, "b");
    const auto text = snapshot(state, "b").text();
    CHECK_FALSE(apply_lines(again, text, true, "b").is_damaged);
    CHECK(snapshot(again, "b").text() == text);
    CHECK(again.next == state.next);
    CHECK(again.find(2)->name == "two words");
}

TEST_CASE("after the machine was down, UIDs that may have been shown are not given again", "[maildir]")
{
    UidState same, other;
    apply_lines(same, example().text(), true, "boot1");
    apply_lines(other, example().text(), true, "boot2");
    CHECK(same.next == 4);
    CHECK(other.next == 65);
}

TEST_CASE("a list that is cut anywhere keeps its whole lines", "[maildir]")
{
    const auto text = example().text();
    for (std::size_t size = 0; size <= text.size(); ++size) {
        UidState state;
        const auto parsed = apply_lines(state, std::string_view(text).substr(0, size), true, "boot1");
        CHECK(parsed.is_damaged == (size > 0 && text[size - 1] != '\n'));
        CHECK_FALSE(parsed.is_damaged_inside);
        CHECK(state.records.size() <= 3);
    }
}

TEST_CASE("no flipped bit goes unnoticed", "[maildir]")
{
    const auto text = example().text();
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto damaged = text;
        damaged[at] ^= 0x04;
        UidState state;
        const auto parsed = apply_lines(state, damaged, true, "boot1");
        REQUIRE((parsed.is_damaged || !parsed.has_header));
    }
}

TEST_CASE("lines that cannot be are refused", "[maildir]")
{
    for (const auto* text : {"", "x", "+ ", "+ 0 1 1 1 1 0 cur/a", "+ 1 1 1 1 1 0 tmp/a", "+ 1 1 1 1 1 0 cur/", "+ 1 1 1 1 1 0 cur/../a",
                             "+ 1 1 1 1 x 0 cur/a", "+ 4294967296 1 1 1 1 0 cur/a", "n", "n x", "k 64 Name", "k -1 Name", "f 1 xyz", "- 1 2",
                             "c 1 2", "? 1"}) {
        UidState state;
        CAPTURE(text);
        CHECK_FALSE(state.apply(text, "b"));
        CHECK(state.records.empty());
    }
    UidState state;
    CHECK(state.apply("+ 5 1 1 1 1 0 cur/a", "b"));
    CHECK_FALSE(state.apply("+ 5 1 1 1 1 0 cur/b", "b"));
    CHECK_FALSE(state.apply("+ 4 1 1 1 1 0 cur/c", "b"));
    // Whether the message that was expunged is still in memory makes no difference.
    CHECK(state.apply("- 5", "b"));
    CHECK_FALSE(state.apply("+ 5 1 1 1 1 0 cur/d", "b"));
    state.purge();
    CHECK_FALSE(state.apply("+ 5 1 1 1 1 0 cur/d", "b"));
    CHECK(state.apply("+ 6 1 1 1 1 0 cur/d", "b"));
}

}  // namespace mta::maildir
