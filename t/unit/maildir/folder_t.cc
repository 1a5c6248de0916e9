#include <sys/stat.h>

#include "fixture.h"
#include "maildir/file_name.h"
#include "maildir/scan.h"

namespace mta::maildir::test {
namespace {

std::string only_file(const std::string& directory)
{
    const auto files = files_in(directory);
    REQUIRE(files.size() == 1);
    return files[0];
}

Changes refresh(Folder& folder, Expunge expunge = Expunge::apply)
{
    auto changes = folder.refresh(expunge);
    if (!changes)
        FAIL(changes.error().text);
    return *changes;
}

// Directory times are coarse: makes the last look at them one that nothing can hide from.
void settle(const std::string& box)
{
    for (const auto* part : {"/new", "/cur"}) {
        const timespec times[2] = {{1600000000, 0}, {1600000000, 0}};
        REQUIRE(::utimensat(AT_FDCWD, (box + part).c_str(), times, 0) == 0);
    }
}

}  // namespace

TEST_CASE("deliveries show up in order, with ascending UIDs, and move to cur", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    auto folder = open_folder(*box);
    for (int i = 1; i <= 3; ++i)
        REQUIRE(deliver(place.box(), Letter(cat("Q", i), cat("number ", i, "\n")).delivery));
    const auto changes = refresh(*folder);
    CHECK(changes.added == 3);
    CHECK(changes.changed.empty());
    REQUIRE(uids_of(*folder) == std::vector<Uid>{1, 2, 3});
    CHECK(folder->uid_next() == 4);
    CHECK(text_of(*folder, 2) == "Delivered-To: user@example.com\r\nnumber 2\r\n");
    CHECK(*folder->crlf_size(2) == text_of(*folder, 2).size());
    CHECK(files_in(place.box() + "/new").empty());
    CHECK(files_in(place.box() + "/cur").size() == 3);
    CHECK(refresh(*folder).is_empty());
    CHECK(uids_of(*open_folder(*box)) == std::vector<Uid>{1, 2, 3});
    CHECK(std::llabs(*folder->internal_date(1) - std::time(nullptr)) < 10);
}

TEST_CASE("a message is recent to one session only, and to those that only look", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(deliver(place.box(), Letter("Q1", "x\n").delivery));
    auto looker = open_folder(*box, "INBOX", true);
    CHECK(looker->messages()[0].is_recent);
    CHECK(files_in(place.box() + "/new").size() == 1);
    auto first = open_folder(*box), second = open_folder(*box);
    CHECK(first->messages()[0].is_recent);
    CHECK_FALSE(second->messages()[0].is_recent);
    REQUIRE(deliver(place.box(), Letter("Q2", "x\n").delivery));
    refresh(*second);
    refresh(*first);
    CHECK(second->messages()[1].is_recent);
    CHECK_FALSE(first->messages()[1].is_recent);
    // Also when it was first seen in passing, by a change of flags.
    REQUIRE(deliver(place.box(), Letter("Q3", "x\n").delivery));
    REQUIRE(first->change_flags({1}, FlagChange::add, seen, {}));
    refresh(*second);
    refresh(*first);
    CHECK(first->messages()[2].is_recent != second->messages()[2].is_recent);
}

TEST_CASE("flags and keywords change, persist, and reach other sessions", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\r\n");
    append(*box, "two\r\n", draft, {"Old"});
    auto mine = open_folder(*box), other = open_folder(*box);
    REQUIRE(mine->change_flags({1, 2, 99}, FlagChange::add, seen | flagged, {"$Label1", "old"})->size() == 1);
    CHECK(mine->messages()[0].flags == (seen | flagged));
    CHECK(mine->messages()[1].flags == (seen | flagged | draft));
    CHECK(mine->keywords() == std::vector<std::string>{"Old", "$Label1"});
    CHECK(mine->messages()[0].keywords == 3);
    CHECK(refresh(*mine).is_empty());
    const auto changes = refresh(*other);
    CHECK(changes.changed == std::vector<Uid>{1, 2});
    CHECK(changes.has_new_keywords);
    CHECK(other->messages()[0].flags == (seen | flagged));
    CHECK(other->messages()[0].keywords == 3);
    REQUIRE(other->change_flags({1}, FlagChange::remove, seen, {"$label1", "unknown"}));
    REQUIRE(other->change_flags({2}, FlagChange::replace, answered, {"New"}));
    CHECK(refresh(*mine).changed == std::vector<Uid>{1, 2});
    CHECK(mine->messages()[0].flags == flagged);
    CHECK(mine->messages()[0].keywords == 1);
    CHECK(mine->messages()[1].flags == answered);
    CHECK(mine->messages()[1].keywords == 4);
    REQUIRE(mine->sync());
    auto later = open_folder(*box, "INBOX", true);
    CHECK(later->messages()[1].keywords == 4);
    CHECK(later->keywords() == std::vector<std::string>{"Old", "$Label1", "New"});
}

TEST_CASE("a change by another session in the same moment is still reported", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\r\n");
    auto mine = open_folder(*box), other = open_folder(*box);
    REQUIRE(other->change_flags({1}, FlagChange::add, answered, {}));
    REQUIRE(mine->change_flags({1}, FlagChange::add, seen, {}));  // .SILENT would hide that it is answered
    CHECK(mine->messages()[0].flags == (answered | seen));
    CHECK(refresh(*mine).changed == std::vector<Uid>{1});
    CHECK(refresh(*mine).is_empty());
}

TEST_CASE("more than 26 keywords persist, 64 at most, and unused ones make room", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\r\n");
    auto folder = open_folder(*box);
    std::vector<std::string> names;
    for (int i = 0; i < 64; ++i)
        names.push_back(cat("keyword-", i));
    REQUIRE(folder->change_flags({1}, FlagChange::add, 0, names));
    CHECK(folder->messages()[0].keywords == ~Keywords{0});
    CHECK(open_folder(*box)->keywords() == names);
    CHECK(folder->change_flags({1}, FlagChange::add, seen, {"one-more"}).error().status == too_many_keywords);
    CHECK(folder->messages()[0].flags == 0);
    REQUIRE(folder->change_flags({1}, FlagChange::remove, 0, {"keyword-7"}));
    REQUIRE(folder->change_flags({1}, FlagChange::add, 0, {"one-more"}));
    CHECK(folder->keywords()[7] == "one-more");
    CHECK(open_folder(*box)->messages()[0].keywords == ~Keywords{0});
}

TEST_CASE("expunged messages leave other views when these allow it", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    for (int i = 1; i <= 5; ++i)
        append(*box, cat("number ", i, "\r\n"));
    auto mine = open_folder(*box), other = open_folder(*box);
    REQUIRE(mine->expunge({2, 4, 77}));
    CHECK(mine->messages().size() == 5);
    const auto own = refresh(*mine);
    REQUIRE(own.expunged.size() == 2);
    CHECK((own.expunged[0].uid == 4 && own.expunged[0].sequence == 4));
    CHECK((own.expunged[1].uid == 2 && own.expunged[1].sequence == 2));
    CHECK(uids_of(*mine) == std::vector<Uid>{1, 3, 5});

    CHECK(refresh(*other, Expunge::hold).expunged.empty());
    REQUIRE(other->messages().size() == 5);
    CHECK(other->messages()[1].is_expunged);
    CHECK(other->open(2).error().status == message_gone);
    CHECK(other->crlf_size(4).error().status != "");
    CHECK(other->change_flags({2, 3}, FlagChange::add, seen, {})->front() == 2);
    CHECK(refresh(*other, Expunge::hold).is_empty());
    CHECK(refresh(*other).expunged.size() == 2);
    CHECK(uids_of(*other) == std::vector<Uid>{1, 3, 5});
    CHECK(append(*box, "six\r\n") == 6);
}

TEST_CASE("UIDs of expunged messages are never given again", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    for (int i = 0; i < 3; ++i) {
        const auto uid = append(*box, "x\r\n");
        CHECK(uid == static_cast<Uid>(i + 1));
        REQUIRE(open_folder(*box)->expunge({uid}));
    }
    CHECK(open_folder(*box)->uid_next() == 4);
}

TEST_CASE("an upload keeps what the client sent", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    auto upload = box->upload("INBOX");
    REQUIRE(upload);
    const std::string texts[] = {"one\r\ntwo\r\n", "bare cr \r and \r\r\n end", "ends in cr\r", "\n", ""};
    for (const auto& text : texts) {
        REQUIRE((*upload)->add(answered, {"k"}, 1500000000));
        for (char c : text)  // in the smallest pieces
            REQUIRE((*upload)->write(std::string(1, c)));
    }
    CHECK(files_in(place.box() + "/cur").empty());
    const auto done = (*upload)->commit();
    REQUIRE(done);
    CHECK(done->uids.size() == 5);
    auto folder = open_folder(*box);
    CHECK(done->uid_validity == folder->uid_validity());
    CHECK(text_of(*folder, 1) == texts[0]);
    CHECK(text_of(*folder, 2) == texts[1]);
    CHECK(text_of(*folder, 3) == texts[2]);
    CHECK(text_of(*folder, 4) == "\r\n");
    CHECK(text_of(*folder, 5).empty());
    CHECK(*folder->internal_date(1) == 1500000000);
    CHECK(folder->messages()[0].flags == answered);
    CHECK(folder->messages()[0].keywords == 1);
    for (Uid uid = 1; uid <= 5; ++uid)
        CHECK(*folder->crlf_size(uid) == text_of(*folder, uid).size());
    CHECK(files_in(place.box() + "/tmp").empty());
}

TEST_CASE("an upload that is not committed leaves nothing", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    {
        auto upload = box->upload("INBOX");
        REQUIRE((*upload)->add(0, {}, {}));
        REQUIRE((*upload)->write(std::string(1'000'000, 'x')));
        CHECK(files_in(place.box() + "/tmp").size() == 1);
    }
    CHECK(files_in(place.box() + "/tmp").empty());
    CHECK(open_folder(*box)->messages().empty());
}

TEST_CASE("copies keep flags, keywords and date, also into the same folder", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(box->create("B"));
    append(*box, "in b\r\n", 0, {"first-in-b"}, {}, "B");
    append(*box, "one\r\n", seen, {"x", "y"}, 1500000000);
    append(*box, "two\r\n", flagged);
    auto folder = open_folder(*box);
    const auto copied = folder->copy({1, 2, 9}, "B");
    REQUIRE(copied);
    CHECK(copied->uids == std::vector<std::pair<Uid, Uid>>{{1, 2}, {2, 3}});
    auto target = open_folder(*box, "B");
    CHECK(copied->uid_validity == target->uid_validity());
    CHECK(target->messages()[1].flags == seen);
    CHECK(*target->internal_date(target->messages()[1].uid) == 1500000000);
    CHECK(target->keywords() == std::vector<std::string>{"first-in-b", "x", "y"});
    CHECK(target->messages()[1].keywords == 6);
    CHECK(text_of(*target, 3) == "two\r\n");
    CHECK(text_of(*folder, 2) == "two\r\n");
    CHECK(folder->copy({1}, "INBOX")->uids == std::vector<std::pair<Uid, Uid>>{{1, 3}});
    CHECK(refresh(*folder).added == 1);
    CHECK(folder->copy({1}, "C").error().status == no_such_folder);
    CHECK(folder->copy({99}, "B")->uids.empty());
    settle(place.box());  // two links to one file are two messages
    CHECK(refresh(*folder).is_empty());
    CHECK(folder->messages().size() == 3);
}

TEST_CASE("moving takes messages from one folder to another", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(box->create("B"));
    append(*box, "one\r\n", seen, {"x"});
    append(*box, "two\r\n");
    auto folder = open_folder(*box);
    const auto moved = folder->move({2, 1}, "B");
    REQUIRE(moved);
    CHECK(moved->uids.size() == 2);
    CHECK(refresh(*folder).expunged.size() == 2);
    CHECK(folder->messages().empty());
    CHECK(open_folder(*box, "B")->messages().size() == 2);
    CHECK(files_in(place.box() + "/cur").empty());
}

TEST_CASE("messages of other programs are taken as they are", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    const auto cur = place.box() + "/cur/";
    write_file(cur + "1500000002.M1P1.host,S=4,W=6:2,FPSa", "a\nb\n");
    write_file(cur + "1500000001.plain", "x\n");
    write_file(cur + "1500000003.wrong,S=999,W=1000:2,", "y\n");
    write_file(place.box() + "/new/1500000004.fresh", "z\r\n");
    write_file(cur + ".hidden", "no");
    std::filesystem::create_directory(cur + "directory");
    std::filesystem::create_symlink("/etc/passwd", cur + "1500000000.link:2,S");
    const timespec times[2] = {{1400000000, 0}, {1400000000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (cur + "1500000001.plain").c_str(), times, 0) == 0);
    auto folder = open_folder(*box);
    REQUIRE(uids_of(*folder) == std::vector<Uid>{1, 2, 3, 4});
    CHECK(text_of(*folder, 1) == "x\r\n");
    CHECK(*folder->internal_date(1) == 1400000000);
    CHECK(*folder->crlf_size(1) == 3);
    CHECK(folder->messages()[1].flags == (seen | flagged));
    CHECK(*folder->crlf_size(3) == 3);
    CHECK(*folder->crlf_size(4) == 3);
    CHECK(*open_folder(*box, "INBOX", true)->crlf_size(1) == 3);  // remembered
    REQUIRE(folder->change_flags({2}, FlagChange::replace, answered, {}));
    CHECK(exists(cur + "1500000002.M1P1.host,S=4,W=6:2,PRa"));
}

TEST_CASE("renames by other programs keep UIDs, keywords and the view", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\r\n", 0, {"k"});
    append(*box, "two\r\n");
    auto folder = open_folder(*box);
    auto files = files_in(place.box() + "/cur");
    const auto cur = place.box() + "/cur/";
    SECTION("other flags")
    {
        std::filesystem::rename(cur + files[0], cur + files[0] + "FS");
        std::filesystem::rename(cur + files[1], cur + files[1] + "FS");
        CHECK(refresh(*folder).changed == std::vector<Uid>{1, 2});
        CHECK(folder->messages()[0].flags == (flagged | seen));
    }
    SECTION("a UID of mbsync in the base name")
    {
        for (const auto& file : files)
            std::filesystem::rename(cur + file, cur + std::string(split_name(file).base) + ",U=17:2,");
        CHECK(refresh(*folder).is_empty());
    }
    SECTION("another name altogether")
    {
        std::filesystem::rename(cur + files[0], cur + "1234567890.new-name:2,");
        CHECK(refresh(*folder).is_empty());
    }
    SECTION("just before we want to change, read, copy or expunge it")
    {
        settle(place.box());
        refresh(*folder);
        for (const auto& file : files)
            std::filesystem::rename(cur + file, cur + file + "R");
        settle(place.box());  // so that nobody notices
        CHECK(text_of(*folder, 1) == "one\r\n");
        for (const auto& file : files)
            std::filesystem::rename(cur + file + "R", cur + file);
        settle(place.box());
        CHECK(folder->change_flags({1}, FlagChange::add, flagged, {})->empty());
        files = files_in(place.box() + "/cur");
        for (const auto& file : files)
            std::filesystem::rename(cur + file, cur + file + "S");
        settle(place.box());
        CHECK(folder->copy({1, 2}, "INBOX")->uids.size() == 2);
        for (const auto& file : files)
            std::filesystem::rename(cur + file + "S", cur + file);
        REQUIRE(folder->expunge({1}));
        refresh(*folder);
        CHECK_FALSE(folder->find(1));
        CHECK(folder->messages().size() == 3);
    }
    if (folder->messages().size() == 2) {
        CHECK(uids_of(*folder) == std::vector<Uid>{1, 2});
        CHECK(folder->messages()[0].keywords == 1);
        CHECK(text_of(*folder, 1) == "one\r\n");
        CHECK(text_of(*folder, 2) == "two\r\n");
    }
}

TEST_CASE("a message keeps its UID under another name, though nobody has looked at it yet", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    const auto cur = place.box() + "/cur/";
    write_file(cur + "1500000001.plain:2,S", "x\n");
    // The directory changes later than the file was made, as seen by the clock of directories.
    const auto begin = dir_times(place.box())->cur_time;
    while (dir_times(place.box())->cur_time == begin) {
        std::filesystem::remove(cur + "1500000002.other");
        write_file(cur + "1500000002.other", "y\n");
    }
    auto folder = open_folder(*box);
    REQUIRE(uids_of(*folder) == std::vector<Uid>{1, 2});
    std::filesystem::rename(cur + "1500000001.plain:2,S", cur + "1234567890.new-name:2,S");
    CHECK(refresh(*folder).is_empty());
    CHECK(text_of(*folder, 1) == "x\r\n");
}

TEST_CASE("a file deleted by another program is expunged, a replaced one keeps its UID", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\r\n");
    append(*box, "two\r\n");
    auto folder = open_folder(*box);
    const auto file = place.box() + "/cur/" + files_in(place.box() + "/cur")[0];
    const auto gone = text_of(*folder, 1) == "one\r\n" && content_of(file) == "one\n" ? 1u : 2u;
    std::filesystem::remove(file);
    const auto changes = refresh(*folder);
    REQUIRE(changes.expunged.size() == 1);
    CHECK(changes.expunged[0].uid == gone);
    const auto kept = place.box() + "/cur/" + only_file(place.box() + "/cur");
    std::filesystem::copy(kept, place.path() + "/backup");
    std::filesystem::rename(place.path() + "/backup", kept);  // as a restore does: another inode
    settle(place.box());
    CHECK(refresh(*folder).is_empty());
}

TEST_CASE("two messages with one base name both stay", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    write_file(place.box() + "/cur/1.same:2,S", "one\n");
    write_file(place.box() + "/cur/1.same:2,F", "two\n");
    auto folder = open_folder(*box);
    REQUIRE(folder->messages().size() == 2);
    CHECK(text_of(*folder, 1) != text_of(*folder, 2));
    CHECK(uids_of(*open_folder(*box)) == std::vector<Uid>{1, 2});
    std::filesystem::create_hard_link(place.box() + "/cur/" + files_in(place.box() + "/cur")[1], place.box() + "/new/1.same");
    CHECK(refresh(*folder).added == 0);  // one message that is just being moved
}

TEST_CASE("what does not change is not read again", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    for (int i = 0; i < 20; ++i)
        REQUIRE(deliver(place.box(), Letter(cat("Q", i), "x\n").delivery));
    auto folder = open_folder(*box);
    settle(place.box());
    refresh(*folder);
    CHECK(trace([&] { (void)folder->refresh(Expunge::apply); }).size() <= 3);
    const auto calls = trace([&] { (void)box->open_folder("INBOX", true); });
    CHECK(std::count(calls.begin(), calls.end(), SYS_getdents64) == 0);
    CHECK(calls.size() < 25);
    const auto warm = folder->refresh(Expunge::apply);
    CHECK(warm->is_empty());
}

TEST_CASE("paths to watch exist", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(box->create("A"));
    for (const auto& path : open_folder(*box, "A")->watch_paths())
        CHECK(std::filesystem::is_directory(path));
}

TEST_CASE("leftovers in tmp go away after 36 hours, not before", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    write_file(place.box() + "/tmp/old", "x");
    const timespec times[2] = {{1, 0}, {1, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (place.box() + "/tmp/old").c_str(), times, 0) == 0);
    open_folder(*box);
    CHECK(files_in(place.box() + "/tmp").size() == 1);  // its ctime is new: somebody may just be linking it
}

}  // namespace mta::maildir::test
