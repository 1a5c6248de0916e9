#include <set>

#include "fixture.h"

namespace mta::maildir::test {
namespace {

std::string list_of(Mailbox& box)
{
    auto infos = box.list();
    REQUIRE(infos);
    std::string text;
    for (const auto& info : *infos)
        text += cat(info.name, info.is_selectable ? "" : "!", info.has_children ? "+" : "", info.is_subscribed ? "*" : "",
                    info.special_use, " ");
    return text;
}

}  // namespace

TEST_CASE("an empty mailbox has an INBOX", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box() + "/");
    CHECK(list_of(*box) == "INBOX ");
    const auto status = box->status("inbox");
    REQUIRE(status);
    CHECK(status->messages == 0);
    CHECK(status->uid_next == 1);
    CHECK(status->uid_validity != 0);
}

TEST_CASE("a folder that cannot be looked at is not taken for one that is not there", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    std::filesystem::create_symlink(".Loop", place.box() + "/.Loop");
    CHECK(box->open_folder("Loop", true).error().status != no_such_folder);
    CHECK(box->open_folder(std::string(250, 'x') + ".y", true).error().status == no_such_folder);
}

TEST_CASE("folders are created with their parents and listed", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(box->create("A.B.C"));
    REQUIRE(box->create("Work."));
    REQUIRE(box->create("Sent"));
    REQUIRE(box->create("Papierkorb", "\\Trash"));
    REQUIRE(box->create("Trash"));
    CHECK(list_of(*box) == "INBOX A+ A.B+ A.B.C Papierkorb\\Trash Sent\\Sent Trash Work ");
    CHECK(files_in(place.box() + "/.A.B.C") == std::vector<std::string>{"cur", "maildirfolder", "new", "tmp"});
    CHECK(box->create("a.b/c").error().status == bad_name);
    CHECK(box->create("A").error().status == folder_exists);
    CHECK(box->create("inbox").error().status == folder_exists);
    CHECK(box->open_folder("A.X", true).error().status == no_such_folder);
    CHECK(box->upload("A.X").error().status == no_such_folder);
    CHECK(box->status("../box").error().status == bad_name);
}

TEST_CASE("what other programs have put beside the folders is not listed", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    write_file(place.box() + "/.file", "");
    for (const auto* name : {"plain", ".bad..name", ".gr\xc3\xbc\xc3\x9f", ".inbox", ".A.B"})
        std::filesystem::create_directory(place.box() + "/" + name);
    CHECK(list_of(*box) == "INBOX A!+ A.B ");
    CHECK(open_folder(*box, "A.B")->messages().empty());  // tmp, new and cur are made
}

TEST_CASE("a deleted folder is gone, its children stay, and its name never means old UIDs", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(box->create("A.B"));
    append(*box, "one\r\n", 0, {}, {}, "A");
    const auto old = box->status("A")->uid_validity;
    auto other_session = open_folder(*box, "A");
    REQUIRE(box->remove("A"));
    CHECK(list_of(*box) == "INBOX A!+ A.B ");
    CHECK(box->remove("A").error().status == no_such_folder);
    CHECK(box->remove("INBOX").error().status == bad_name);
    CHECK(other_session->refresh(Expunge::apply).error().status == no_such_folder);
    REQUIRE(box->create("A"));
    CHECK(box->status("A")->messages == 0);
    CHECK(box->status("A")->uid_validity > old);
    CHECK(other_session->refresh(Expunge::apply).error().status == no_such_folder);
    CHECK(files_in(place.box()) == std::vector<std::string>{".A", ".A.B", "buuta-account.lock", "buuta-uidvalidity", "cur", "new", "tmp"});
}

TEST_CASE("no two folders have the same UIDVALIDITY, also when the clock goes back", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    std::set<std::uint32_t> given;
    for (const auto* name : {"A", "B", "C"}) {
        REQUIRE(box->create(name));
        CHECK(given.insert(box->status(name)->uid_validity).second);
    }
    write_file(place.box() + "/buuta-uidvalidity", "4000000000\n");
    REQUIRE(box->create("D"));
    CHECK(box->status("D")->uid_validity == 4000000002);
}

TEST_CASE("renaming takes the children along and keeps UIDs and special use", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(box->create("A.B"));
    REQUIRE(box->create("AB"));
    REQUIRE(box->create("S", "\\Sent"));
    const auto uid = append(*box, "one\r\n", seen, {"work"}, {}, "A.B");
    const auto uid_validity = box->status("A.B")->uid_validity;
    REQUIRE(box->rename("A", "X.Y"));
    REQUIRE(box->rename("S", "Z"));
    CHECK(list_of(*box) == "INBOX AB X+ X.Y+ X.Y.B Z\\Sent ");
    auto folder = open_folder(*box, "X.Y.B");
    CHECK(folder->uid_validity() == uid_validity);
    CHECK(text_of(*folder, uid) == "one\r\n");
    CHECK(box->rename("A", "Q").error().status == no_such_folder);
    CHECK(box->rename("X", "X.Y.Z").error().status == bad_name);
    CHECK(box->rename("X", "AB").error().status == folder_exists);
    CHECK(box->rename("X", "Inbox").error().status == folder_exists);
    CHECK(box->rename("X", std::string(252, 'n')).error().status == bad_name);  // too long with the children
    CHECK(list_of(*box) == "INBOX AB X+ X.Y+ X.Y.B Z\\Sent ");
}

TEST_CASE("a rename that meets an existing child changes nothing", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    for (const auto* name : {"A.B", "A.C", "X.C"})
        REQUIRE(box->create(name));
    REQUIRE(box->remove("X"));
    CHECK(box->rename("A", "X").error().status == folder_exists);
    CHECK(list_of(*box) == "INBOX A+ A.B A.C X!+ X.C ");
}

TEST_CASE("renaming INBOX moves its messages and leaves it empty", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(box->create("INBOX.Child"));
    append(*box, "one\r\n", flagged, {"work"}, 1600000000);
    REQUIRE(box->rename("INBOX", "Old"));
    CHECK(list_of(*box) == "INBOX+ INBOX.Child Old ");
    CHECK(box->status("INBOX")->messages == 0);
    auto folder = open_folder(*box, "Old");
    REQUIRE(folder->messages().size() == 1);
    CHECK(folder->messages()[0].flags == flagged);
    CHECK(*folder->internal_date(1) == 1600000000);
    CHECK(folder->keywords().at(0) == "work");
    CHECK(box->rename("INBOX", "Old").error().status == folder_exists);
}

TEST_CASE("subscriptions are kept as Dovecot keeps them", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    REQUIRE(box->subscribe("A.B", true));
    REQUIRE(box->subscribe("inbox", true));
    REQUIRE(box->subscribe("A.B", true));
    CHECK(content_of(place.box() + "/subscriptions") == "A.B\nINBOX\n");
    REQUIRE(box->subscribe("A.B", false));
    REQUIRE(box->subscribe("not there", false));
    CHECK(box->subscriptions() == std::vector<std::string>{"INBOX"});
    CHECK(list_of(*box) == "INBOX* ");
    write_file(place.box() + "/subscriptions", "V\t2\n\nINBOX\nLists\tone\n");
    CHECK(box->subscriptions() == std::vector<std::string>{"INBOX", "Lists.one"});
    REQUIRE(box->subscribe("Lists.two", true));
    CHECK(content_of(place.box() + "/subscriptions") == "V\t2\n\nINBOX\nLists\tone\nLists\ttwo\n");
    CHECK(box->subscribe("a/b", true).error().status == bad_name);
}

TEST_CASE("STATUS counts without using up Recent", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\r\n", seen);
    REQUIRE(deliver(place.box(), Letter("Q1", "two\n").delivery));
    for (int i = 0; i < 2; ++i) {
        const auto status = box->status("INBOX");
        REQUIRE(status);
        CHECK(status->messages == 2);
        CHECK(status->unseen == 1);
        CHECK(status->recent == 2);
        CHECK(status->uid_next == 3);
    }
    open_folder(*box);
    CHECK(box->status("INBOX")->recent == 0);
}

}  // namespace mta::maildir::test
