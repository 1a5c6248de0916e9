#include "maildir/uid_list.h"

#include "fixture.h"

namespace mta::maildir::test {
namespace {

std::string list_file(const Place& place) { return place.box() + "/buuta-uidlist"; }

// Three messages with keywords.
void fill(Mailbox& box)
{
    for (int i = 1; i <= 3; ++i)
        append(box, cat("number ", i, "\r\n"), 0, {cat("keyword", i)});
}

}  // namespace

TEST_CASE("a uid list cut at any place gives no UID to another message", "[maildir][crash]")
{
    const Place place;
    auto box = open_box(place.box());
    fill(*box);
    const auto uid_validity = box->status("INBOX")->uid_validity;
    const auto whole = content_of(list_file(place));
    for (std::size_t size = 0; size < whole.size(); size += 7) {
        write_file(list_file(place), whole.substr(0, size));
        auto folder = open_folder(*box);
        REQUIRE(folder->messages().size() == 3);
        for (const auto& message : folder->messages()) {
            const auto text = text_of(*folder, message.uid);
            const bool is_old = folder->uid_validity() == uid_validity && message.uid <= 3;
            CHECK((!is_old || text == cat("number ", message.uid, "\r\n")));
        }
        auto again = open_folder(*box);  // the repair holds
        CHECK(again->uid_validity() == folder->uid_validity());
        CHECK(uids_of(*again) == uids_of(*folder));
    }
}

TEST_CASE("a list that has lost its end, between lines or within one, gives no UID twice", "[maildir][crash]")
{
    const Place place;
    const auto box = open_box(place.box());
    for (int i = 1; i <= 140; ++i)
        append(*box, cat("number ", i, "\r\n"));
    const auto uid_validity = box->status("INBOX")->uid_validity;
    const auto whole = content_of(list_file(place)), witness = content_of(list_file(place) + ".witness");
    for (std::size_t size = 60; size < whole.size(); size += whole.size() / 25) {
        for (auto cut : {size, whole.find('\n', size) + 1, whole.find('\n', size) + 12}) {
            write_file(list_file(place), whole.substr(0, cut));
            write_file(list_file(place) + ".witness", witness);
            auto folder = open_folder(*box);
            REQUIRE(folder->messages().size() == 140);
            REQUIRE(folder->uid_validity() == uid_validity);
            for (const auto& message : folder->messages())
                CHECK((message.uid > 140 || text_of(*folder, message.uid) == cat("number ", message.uid, "\r\n")));
        }
    }
}

TEST_CASE("a uid list with garbage in it keeps what is readable", "[maildir]")
{
    const Place place;
    auto box = open_box(place.box());
    fill(*box);
    const auto uid_validity = box->status("INBOX")->uid_validity;
    auto text = content_of(list_file(place));
    SECTION("inside")
    {
        const auto at = text.find(" + 2 ");
        REQUIRE(at != std::string::npos);
        text[at + 10] ^= 1;
        write_file(list_file(place), text);
        auto folder = open_folder(*box);
        CHECK(folder->uid_validity() == uid_validity);
        const auto uids = uids_of(*folder);
        REQUIRE(uids.size() == 3);
        CHECK((uids[0] == 1 && uids[1] == 3 && uids[2] > 65000));
        CHECK(folder->messages()[1].keywords == 4);
        CHECK(text_of(*folder, uids[2]) == "number 2\r\n");
    }
    SECTION("zeros at the end")
    {
        write_file(list_file(place), text + std::string(4096, '\0'));
        auto folder = open_folder(*box);
        CHECK(folder->uid_validity() == uid_validity);
        CHECK(uids_of(*folder) == std::vector<Uid>{1, 2, 3});
        CHECK(folder->uid_next() > 3);
        CHECK(content_of(list_file(place)).find('\0') == std::string::npos);
    }
    SECTION("no first line")
    {
        write_file(list_file(place), text.substr(5));
        auto folder = open_folder(*box);
        CHECK(folder->uid_validity() > uid_validity);
        CHECK(folder->messages().size() == 3);
        CHECK(folder->messages()[2].keywords != 0);
    }
    SECTION("nothing at all")
    {
        std::filesystem::remove(list_file(place));
        auto folder = open_folder(*box);
        CHECK(folder->uid_validity() > uid_validity);
        CHECK(uids_of(*folder) == std::vector<Uid>{1, 2, 3});
    }
}

TEST_CASE("a session notices that the list was damaged and repaired beside it", "[maildir]")
{
    const Place place;
    auto box = open_box(place.box());
    fill(*box);
    auto session = open_folder(*box);
    write_file(list_file(place), content_of(list_file(place)) + "torn line");
    CHECK(session->refresh(Expunge::apply)->is_empty());
    CHECK(append(*box, "next\r\n") >= 4);
    CHECK(session->refresh(Expunge::apply)->added == 1);
    std::filesystem::remove(list_file(place));
    CHECK(session->refresh(Expunge::apply).error().status == no_such_folder);
}

TEST_CASE("the list is written anew when it has become long, under the eyes of others", "[maildir]")
{
    const Place place;
    auto box = open_box(place.box());
    fill(*box);
    auto mine = open_folder(*box), other = open_folder(*box);
    std::uintmax_t longest = 0;
    for (int i = 0; i < 700; ++i) {
        REQUIRE(mine->change_flags({1, 3}, i % 2 ? FlagChange::remove : FlagChange::add, flagged, {"keyword2"}));
        longest = std::max(longest, std::filesystem::file_size(list_file(place)));
    }
    REQUIRE(mine->change_flags({2}, FlagChange::add, seen, {}));
    CHECK(std::filesystem::file_size(list_file(place)) < longest);
    CHECK(longest < 200'000);
    CHECK(other->refresh(Expunge::apply)->changed == std::vector<Uid>{2});
    CHECK(other->messages()[2].keywords == 4);
    CHECK(append(*box, "x\r\n") == 4);
    CHECK(other->refresh(Expunge::apply)->added == 1);
}

TEST_CASE("UIDs start over under a new UIDVALIDITY when they are used up", "[maildir]")
{
    const Place place;
    auto box = open_box(place.box());
    fill(*box);
    const auto uid_validity = box->status("INBOX")->uid_validity;
    UidList list(place.box(), [] { return Result<std::uint32_t>(failure("not now")); });
    REQUIRE(list.load());
    Lines lines;
    lines.next(4'294'000'000);
    REQUIRE(list.append(lines, true));
    CHECK(append(*box, "next\r\n") == 4);
    auto folder = open_folder(*box);
    CHECK(folder->uid_validity() > uid_validity);
    CHECK(uids_of(*folder) == std::vector<Uid>{1, 2, 3, 4});
    CHECK(text_of(*folder, 4) == "next\r\n");
}

TEST_CASE("a lock holds other processes off and dies with its owner", "[maildir]")
{
    const Place place;
    const auto path = place.path() + "/lock";
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        Lock lock(path);
        const auto guard = lock.take();
        (void)!::write(ready[1], "x", 1);
        ::pause();
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    struct flock probe {};
    probe.l_type = F_WRLCK;
    const Fd fd(::open(path.c_str(), O_RDWR));
    CHECK(::fcntl(fd.get(), F_OFD_SETLK, &probe) < 0);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    Lock lock(path);
    CHECK(lock.take());
    {
        auto guard = lock.take();
    }
    CHECK(::fcntl(fd.get(), F_OFD_SETLK, &probe) == 0);
    ::close(ready[0]);
    ::close(ready[1]);
}

}  // namespace mta::maildir::test
