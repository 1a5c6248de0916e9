#include "maildir/remembered.h"


#include "base/encode.h"
#include "fixture.h"

namespace mta::maildir::test {
namespace {

constexpr std::size_t plenty = 1 << 20;

std::string text_of(const Remembered& view)
{
    auto text = cat(view.name, " ", view.is_read_only ? "ro" : "rw", " ", view.uid_validity, " ", view.uid_next, " [", join(view.keywords, ","), "]");
    for (const auto& message : view.messages)
        text += cat(" ", message.uid, ":", message.flags, message.is_recent ? "r" : "", message.is_expunged ? "x" : "", "/", message.keywords);
    return text;
}

std::string decoded(std::string_view bytes)
{
    auto view = decode(bytes);
    return view ? text_of(*view) : "bad";
}

Message message(Uid uid, unsigned flags = 0, Keywords keywords = 0, bool is_recent = false, bool is_expunged = false)
{
    Message made;
    made.uid = uid;
    made.flags = static_cast<std::uint8_t>(flags);
    made.keywords = keywords;
    made.is_recent = is_recent;
    made.is_expunged = is_expunged;
    return made;
}

std::unique_ptr<Folder> reopened(Mailbox& box, const Folder& folder)
{
    auto bytes = folder.remember(plenty);
    REQUIRE(bytes);
    auto again = box.reopen_folder(*bytes);
    if (!again)
        FAIL(again.error().text);
    return std::move(*again);
}

// What a refresh tells: "1 EXPUNGE" as "-1", changed UIDs as "~5", new ones as "+1".
std::string told(Folder& folder, Expunge expunge = Expunge::apply)
{
    auto changes = folder.refresh(expunge);
    if (!changes)
        return changes.error().status;
    std::string text;
    for (const auto& gone : changes->expunged)
        text += cat("-", gone.sequence, " ");
    for (auto uid : changes->changed)
        text += cat("~", uid, " ");
    if (changes->added > 0)
        text += cat("+", changes->added, " ");
    return text + (changes->has_new_keywords ? "k" : "");
}

}  // namespace

TEST_CASE("a view survives as bytes", "[maildir][remember]")
{
    const Remembered views[] = {
        {"INBOX", false, 1, 1, {}, {}},
        {"INBOX", true, 4294967295, 4294967295, {}, {message(1), message(4294967294, seen)}},
        {"Lists.a b", false, 17, 200, {"$Junk", "", "work"}, {message(1, seen), message(2, seen), message(3, seen | draft), message(9, 0, 5), message(10, 0, 5)}},
        {"INBOX", false, 17, 9, {"a"}, {message(5, 31, 1, true), message(6, 31, 1, true, true), message(7, 31, 1, false, true), message(8, 0, 0, true)}},
        {"INBOX", false, 17, 9, {}, {message(5, 0, Keywords{1} << 63), message(6), message(8, answered, ~Keywords{0})}},
    };
    for (const auto& view : views) {
        auto bytes = encode(view, plenty);
        REQUIRE(bytes);
        CHECK(decoded(*bytes) == text_of(view));
        CHECK(encode(view, bytes->size()));
        CHECK_FALSE(encode(view, bytes->size() - 1));
    }
}

TEST_CASE("a large folder of one kind of messages takes some bytes, a mixed one too many", "[maildir][remember]")
{
    Remembered view{"INBOX", false, 17, 200000, {}, {}};
    for (Uid uid = 1; uid <= 100000; ++uid)
        view.messages.push_back(message(uid, seen));
    CHECK(encode(view, 24 * 1024)->size() < 40);
    CHECK(decoded(*encode(view, plenty)) == text_of(view));
    for (std::size_t i = 0; i < view.messages.size(); i += 2)
        view.messages[i].flags = 0;
    CHECK_FALSE(encode(view, 24 * 1024));
    CHECK(decoded(*encode(view, plenty)) == text_of(view));
}

TEST_CASE("bytes that are no view are refused", "[maildir][remember]")
{
    const Remembered view{"Work", false, 17, 50, {"a", "b"}, {message(1, seen), message(7, 0, 3), message(8, 0, 3)}};
    const auto good = *encode(view, plenty);
    std::size_t bad = 0;
    for (std::size_t size = 0; size < good.size(); ++size)
        bad += decoded(good.substr(0, size)) == "bad" ? 1 : 0;
    CHECK(bad == good.size() - 2);  // but it may end behind the keywords or a run
    const std::string head("\1\5INBOX\0\21\62\0", 11);  // UIDNEXT 50, no keywords
    CHECK(decoded(head) == "INBOX rw 17 50 []");
    // Gap, length, flags with the mark that the keywords are those of before.
    CHECK(decoded(head + std::string("\0\61\200", 3)) != "bad");
    CHECK(decoded(head + std::string("\57\2\200", 3)) == "INBOX rw 17 50 [] 48:0/0 49:0/0");
    for (const auto& run : {std::string("\0\0\200", 3), std::string("\0\62\200", 3), std::string("\60\2\200", 3), std::string("\0\377\377\377\377\17\200", 7),
                            std::string("\377\377\377\377\377\377\377\377\377\1\1\200", 12), std::string("\0\1\0", 3), std::string("\0\1", 2),
                            std::string("\377", 1)}) {
        INFO(hex_encode(run));
        CHECK(decoded(head + run) == "bad");
    }
    CHECK(decoded(std::string("\1\5INBOX\0\21\377\377\377\377\17\0\0\377\377\377\177\200", 21)) == "bad");  // 268 million messages
    CHECK(decoded(std::string("\2") + good.substr(1)) == "bad");
}

TEST_CASE("a view that is opened again tells what has happened since, and nothing else", "[maildir][remember]")
{
    const Place place;
    const auto box = open_box(place.box());
    for (int i = 0; i < 5; ++i)
        append(*box, cat("number ", i, "\n"), 0, {"$One"});
    auto folder = open_folder(*box);
    REQUIRE(told(*folder).empty());
    SECTION("nothing") { CHECK(told(*reopened(*box, *folder)).empty()); }
    SECTION("everything")
    {
        auto other = open_folder(*box);
        REQUIRE(other->expunge({2}));
        REQUIRE(other->change_flags({3}, FlagChange::add, flagged, {}));
        REQUIRE(other->change_flags({4}, FlagChange::add, 0, {"$Two"}));
        append(*box, "new\n");
        auto again = reopened(*box, *folder);
        CHECK(again->uid_next() == 6);
        CHECK(uids_of(*again) == std::vector<Uid>{1, 2, 3, 4, 5});
        CHECK(told(*again) == "-2 ~3 ~4 +1 k");
        CHECK(uids_of(*again) == std::vector<Uid>{1, 3, 4, 5, 6});
        CHECK(told(*again).empty());
    }
    SECTION("an expunge that is held before and after")
    {
        REQUIRE(open_folder(*box)->expunge({2, 3}));
        CHECK(told(*folder, Expunge::hold).empty());
        REQUIRE(folder->messages()[1].is_expunged);
        auto again = reopened(*box, *folder);
        CHECK(told(*again, Expunge::hold).empty());
        CHECK(uids_of(*again).size() == 5);
        CHECK(told(*reopened(*box, *again)) == "-3 -2 ");
    }
    SECTION("what is the same in the new view")
    {
        auto again = reopened(*box, *folder);
        for (Uid uid = 1; uid <= 5; ++uid)
            CHECK(*again->crlf_size(uid) == *folder->crlf_size(uid));
        CHECK(std::llabs(*again->internal_date(5) - std::time(nullptr)) < 10);
        CHECK(again->keywords() == folder->keywords());
        CHECK(again->uid_validity() == folder->uid_validity());
        CHECK(again->name() == "INBOX");
        CHECK_FALSE(again->is_read_only());
        CHECK(reopened(*box, *open_folder(*box, "INBOX", true))->is_read_only());
    }
}

TEST_CASE("Recent is neither lost nor claimed twice by a view that is opened again", "[maildir][remember]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\n");
    auto folder = open_folder(*box);
    REQUIRE(folder->messages()[0].is_recent);
    auto again = reopened(*box, *folder);
    CHECK(again->messages()[0].is_recent);
    CHECK_FALSE(open_folder(*box)->messages()[0].is_recent);
    append(*box, "two\n");
    SECTION("the view claims it")
    {
        CHECK(told(*again) == "+1 ");
        CHECK(again->messages()[1].is_recent);
        CHECK(again->messages()[0].is_recent);
        CHECK_FALSE(open_folder(*box)->messages()[1].is_recent);
    }
    SECTION("another session has claimed it")
    {
        CHECK(open_folder(*box)->messages()[1].is_recent);
        CHECK(told(*again) == "+1 ");
        CHECK_FALSE(again->messages()[1].is_recent);
    }
}

TEST_CASE("a folder that is gone or another one is not opened again", "[maildir][remember]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(box->create("Work"));
    append(*box, "one\n", 0, {}, {}, "Work");
    const auto bytes = open_folder(*box, "Work")->remember(plenty);
    REQUIRE(bytes);
    REQUIRE(box->reopen_folder(*bytes));
    SECTION("deleted") { REQUIRE(box->remove("Work")); }
    SECTION("renamed") { REQUIRE(box->rename("Work", "Play")); }
    SECTION("made anew")
    {
        REQUIRE(box->remove("Work"));
        REQUIRE(box->create("Work"));
    }
    auto again = box->reopen_folder(*bytes);
    REQUIRE_FALSE(again);
    CHECK(again.error().status == no_such_folder);
    CHECK_FALSE(box->reopen_folder("nonsense"));
    CHECK(box->reopen_folder("nonsense").error().status != no_such_folder);
}

TEST_CASE("a view with flags that are not durable is not given away", "[maildir][remember]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\n");
    auto folder = open_folder(*box);
    REQUIRE(folder->change_flags({1}, FlagChange::add, seen, {}));
    CHECK_FALSE(folder->remember(plenty));
    REQUIRE(folder->sync());
    CHECK(folder->remember(plenty));
}

}  // namespace mta::maildir::test
