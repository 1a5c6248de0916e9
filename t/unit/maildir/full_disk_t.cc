#include <sys/mount.h>

#include "fixture.h"

namespace mta::maildir::test {
namespace {

// A file system of its own for the mailbox at place.box(); not mounted without root.
class SmallDisk {
public:
    explicit SmallDisk(const Place& place) : path_(place.box())
    {
        std::filesystem::create_directory(path_);
        is_mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=512k,mode=700") == 0;
        if (!is_mounted_)
            WARN("skipped: no file system can be mounted here");
    }
    ~SmallDisk()
    {
        if (is_mounted_)
            ::umount2(path_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    bool is_mounted() const { return is_mounted_; }

    void fill() const
    {
        const Fd fd(::open((path_ + "/fill").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
        REQUIRE_FALSE(write_all(fd.get(), std::string(1024ul * 1024, 'x')));
    }
    void make_room() const { std::filesystem::remove(path_ + "/fill"); }
    void make_read_only() const { REQUIRE(::mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0); }

private:
    std::string path_;
    bool is_mounted_;
};

void put_in_new(const std::string& box, int count)
{
    for (int i = 1; i <= count; ++i)
        write_file(cat(box, "/new/", i, ".message.host"), cat("number ", i, "\r\n"));
}

void check_all_texts(Folder& folder)
{
    for (std::size_t i = 0; i < folder.messages().size(); ++i)
        CHECK(text_of(folder, folder.messages()[i].uid) == cat("number ", i + 1, "\r\n"));
}

}  // namespace

TEST_CASE("a mailbox that was never opened can be used on a full disk, with UIDs that end with the session", "[maildir][full]")
{
    const Place place;
    const SmallDisk disk(place);
    if (!disk.is_mounted())
        return;
    const auto box = open_box(place.box());
    put_in_new(place.box(), 3);
    disk.fill();
    auto first = open_folder(*box), second = open_folder(*box);
    for (auto* folder : {first.get(), second.get()}) {
        CHECK_FALSE(folder->has_lasting_uids());
        CHECK_FALSE(folder->is_read_only());
        CHECK_FALSE(folder->remember(1000));
        REQUIRE(folder->messages().size() == 3);
        check_all_texts(*folder);
    }
    const auto uids = uids_of(*first), others = uids_of(*second);
    CHECK((second->uid_validity() > first->uid_validity() || (second->uid_validity() == first->uid_validity() && others[0] > uids[2])));
    CHECK(box->status("INBOX")->messages == 3);

    CHECK(first->change_flags({uids[1]}, FlagChange::add, seen, {})->empty());
    CHECK(first->change_flags({uids[1]}, FlagChange::add, 0, {"keyword"}).error().status == disk_full);
    CHECK(first->change_flags({uids[1]}, FlagChange::remove, 0, {"keyword"})->empty());
    REQUIRE(first->expunge({uids[0]}));
    CHECK(first->sync());
    CHECK(first->refresh(Expunge::apply)->expunged.size() == 1);
    CHECK(files_in(place.box() + "/cur") == std::vector<std::string>{"2.message.host:2,S", "3.message.host:2,"});
    auto seen_by_other = second->refresh(Expunge::apply);
    REQUIRE(seen_by_other);
    CHECK(seen_by_other->expunged.size() == 1);
    CHECK(seen_by_other->changed == std::vector<Uid>{others[1]});

    disk.make_room();
    auto later = open_folder(*box);
    CHECK(later->has_lasting_uids());
    CHECK(later->uid_validity() > second->uid_validity());
    CHECK(uids_of(*later) == std::vector<Uid>{1, 2});
    CHECK(uids_of(*first) == std::vector<Uid>{uids[1], uids[2]});
    CHECK(open_folder(*box)->uid_validity() == later->uid_validity());
}

TEST_CASE("what a full disk keeps out of the uid list is true all the same, and in the list as soon as there is room", "[maildir][full]")
{
    constexpr std::size_t count = 120;  // more lines than there is room for in the list's last block
    const Place place;
    const SmallDisk disk(place);
    if (!disk.is_mounted())
        return;
    const auto box = open_box(place.box());
    put_in_new(place.box(), int{count} - 1);
    const auto folder = open_folder(*box);
    write_file(cat(place.box(), "/new/", count, ".message.host"), cat("number ", count, "\r\n"));
    disk.fill();
    const auto uids = uids_of(*folder);
    REQUIRE(uids.size() == count - 1);
    CHECK(folder->change_flags(uids, FlagChange::add, flagged, {})->empty());
    CHECK(folder->change_flags(uids, FlagChange::add, answered, {})->empty());
    CHECK(folder->refresh(Expunge::apply));
    check_all_texts(*folder);
    const auto other = open_folder(*box);
    CHECK(other->has_lasting_uids());
    REQUIRE(uids_of(*other).size() >= uids.size());
    check_all_texts(*other);
    CHECK(other->messages()[0].flags == (flagged | answered));
    CHECK(text_of(*other, uids[1]) == "number 2\r\n");
    const auto upload = box->upload("INBOX");
    REQUIRE(upload);
    CHECK_FALSE(((*upload)->add(0, {}, {}) && (*upload)->write("x") && (*upload)->commit()));

    disk.make_room();
    CHECK(folder->change_flags({uids[4]}, FlagChange::add, seen, {})->empty());
    const auto after = open_folder(*box);
    CHECK(after->uid_validity() == folder->uid_validity());
    CHECK(uids_of(*after).size() == count);
    CHECK(after->messages()[4].flags == (flagged | answered | seen));
    check_all_texts(*after);
}

TEST_CASE("messages can be expunged on a full disk, all of them", "[maildir][full]")
{
    const Place place;
    const SmallDisk disk(place);
    if (!disk.is_mounted())
        return;
    const auto box = open_box(place.box());
    put_in_new(place.box(), 100);
    const auto folder = open_folder(*box);
    const auto uids = uids_of(*folder);
    disk.fill();
    REQUIRE(folder->change_flags(uids, FlagChange::add, deleted, {})->empty());
    REQUIRE(folder->expunge(uids));
    CHECK(folder->refresh(Expunge::apply)->expunged.size() == 100);
    CHECK(files_in(place.box() + "/cur").empty());
    CHECK(open_folder(*box)->messages().empty());
}

TEST_CASE("a uid list that cannot be made shorter for want of space still serves", "[maildir][full]")
{
    const Place place;
    const SmallDisk disk(place);
    if (!disk.is_mounted())
        return;
    const auto box = open_box(place.box());
    put_in_new(place.box(), 3);
    const auto folder = open_folder(*box);
    const auto uids = uids_of(*folder);
    for (int i = 0; i < 600; ++i) {  // two lines each; the list is written anew after some 1000
        if (i == 480)
            disk.fill();
        INFO("change " << i);
        REQUIRE(folder->change_flags({uids[0]}, i % 2 ? FlagChange::remove : FlagChange::add, flagged, {}));
    }
    check_all_texts(*folder);
    check_all_texts(*open_folder(*box));
}

TEST_CASE("a mailbox on a read-only disk is opened read-only, with the UIDs that it has", "[maildir][full]")
{
    const Place place;
    const SmallDisk disk(place);
    if (!disk.is_mounted())
        return;
    REQUIRE(open_box(place.box())->create("Never"));
    put_in_new(place.box(), 3);
    put_in_new(place.box() + "/.Never", 2);
    const auto uid_validity = open_folder(*open_box(place.box()))->uid_validity();
    std::filesystem::remove(place.box() + "/buuta-uidlist.lock");
    disk.make_read_only();
    const auto box = open_box(place.box());
    const auto known = open_folder(*box), never = open_folder(*box, "Never");
    CHECK(known->is_read_only());
    CHECK(known->has_lasting_uids());
    CHECK(known->uid_validity() == uid_validity);
    CHECK(uids_of(*known) == std::vector<Uid>{1, 2, 3});
    check_all_texts(*known);
    CHECK(known->change_flags({1}, FlagChange::add, seen, {}).error().status == read_only_disk);
    CHECK(never->is_read_only());
    CHECK_FALSE(never->has_lasting_uids());
    CHECK(never->messages().size() == 2);
    check_all_texts(*never);
}

}  // namespace mta::maildir::test
