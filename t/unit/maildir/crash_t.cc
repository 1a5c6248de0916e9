// Sessions that are killed before any of their system calls.
#include <map>

#include "fixture.h"

namespace mta::maildir::test {
namespace {

// Which text each UID had when it was shown, through all of a test: it may never be another one.
class Memory {
public:
    void check(Folder& folder)
    {
        for (const auto& message : folder.messages()) {
            const auto text = text_of(folder, message.uid);
            const auto [known, is_first] = texts_.emplace(std::tuple(folder.name(), folder.uid_validity(), message.uid), text);
            CAPTURE(message.uid, text, known->second);
            // Until the next look (2 s) a message may be in the view that was expunged in the same tick of the clock.
            CHECK((is_first || known->second == text || text == "cannot open: the message has been expunged"));
        }
    }

private:
    std::map<std::tuple<std::string, std::uint32_t, Uid>, std::string> texts_;
};

struct Scene {
    Place place;
    Memory memory;

    void prepare()
    {
        std::filesystem::remove_all(place.box());
        memory = {};
        const auto box = open_box(place.box());
        REQUIRE(box->create("B"));
        append(*box, "one\r\n", seen, {"k1"});
        append(*box, "two\r\n", 0, {"k2"});
        REQUIRE(deliver(place.box(), Letter("Q1", "three\n").delivery));
        memory.check(*open_folder(*box, "INBOX", true));
    }
    std::vector<std::string> texts(const std::string& name)
    {
        const auto box = open_box(place.box());
        auto folder = open_folder(*box, name);
        memory.check(*folder);
        std::vector<std::string> all;
        for (const auto& message : folder->messages())
            all.push_back(text_of(*folder, message.uid));
        std::sort(all.begin(), all.end());
        return all;
    }
};

const std::string three = "Delivered-To: user@example.com\r\nthree\r\n";

}  // namespace

TEST_CASE("a session killed while it opens a folder or looks for news harms nothing", "[maildir][crash]")
{
    Scene scene;
    kill_at_every_step([&] { scene.prepare(); },
                       [&] {
                           auto box = Mailbox::open(scene.place.box());
                           auto folder = (*box)->open_folder("INBOX", false);
                       },
                       [&](bool) { CHECK(scene.texts("INBOX") == std::vector<std::string>{three, "one\r\n", "two\r\n"}); });
}

TEST_CASE("a change of flags that is killed is done or not done for each message", "[maildir][crash]")
{
    Scene scene;
    kill_at_every_step([&] { scene.prepare(); },
                       [&] {
                           auto box = Mailbox::open(scene.place.box());
                           auto folder = (*box)->open_folder("INBOX", false);
                           (void)(*folder)->change_flags({1, 2, 3}, FlagChange::add, flagged, {"k3"});
                       },
                       [&](bool finished) {
                           CHECK(scene.texts("INBOX") == std::vector<std::string>{three, "one\r\n", "two\r\n"});
                           const auto box = open_box(scene.place.box());
                           auto folder = open_folder(*box);
                           CHECK((folder->messages()[0].flags | flagged) == (seen | flagged));
                           CHECK((folder->messages()[0].keywords | 4) == 5);
                           CHECK((!finished || folder->messages()[2].flags == flagged));
                           CHECK((!finished || folder->messages()[2].keywords == 4));
                       });
}

TEST_CASE("an append that is killed is there as a whole or not at all", "[maildir][crash]")
{
    Scene scene;
    kill_at_every_step([&] { scene.prepare(); },
                       [&] {
                           auto box = Mailbox::open(scene.place.box());
                           auto upload = (*box)->upload("B");
                           (void)(*upload)->add(seen, {"k9"}, 1500000000);
                           (void)(*upload)->write("text\r\n");
                           (void)(*upload)->commit();
                       },
                       [&](bool finished) {
                           const auto texts = scene.texts("B");
                           CHECK((texts.empty() || texts == std::vector<std::string>{"text\r\n"}));
                           CHECK((!finished || texts.size() == 1));
                           CHECK(scene.texts("INBOX").size() == 3);
                       });
}

TEST_CASE("a delivery is remembered durably before its copy is expunged", "[maildir][crash]")
{
    const Place place;
    REQUIRE(deliver(place.box(), Letter("4XQ1", "x\n").delivery));
    auto box = open_box(place.box());
    append(*box, "y\n", 0, {}, std::time_t{1600000000});
    const auto expunge = [&](Uid uid) { return trace([&] { (void)open_folder(*box)->expunge({uid}); }); };
    const auto fresh = expunge(1);
    const auto gone = std::find(fresh.begin(), fresh.end(), SYS_unlink);
    REQUIRE(gone != fresh.end());
    CHECK(std::find(fresh.begin(), gone, SYS_fdatasync) != gone);
    // What is older is known to the queue.
    const auto old = expunge(2);
    CHECK(std::find(old.begin(), old.end(), SYS_unlink) != old.end());
    CHECK(std::find(old.begin(), old.end(), SYS_fdatasync) == old.end());
}

TEST_CASE("an expunge that is killed has removed nothing else", "[maildir][crash]")
{
    Scene scene;
    kill_at_every_step([&] { scene.prepare(); },
                       [&] {
                           auto box = Mailbox::open(scene.place.box());
                           auto folder = (*box)->open_folder("INBOX", false);
                           (void)(*folder)->expunge({1, 3});
                       },
                       [&](bool finished) {
                           const auto texts = scene.texts("INBOX");
                           CHECK(std::count(texts.begin(), texts.end(), "two\r\n") == 1);
                           CHECK((!finished || texts.size() == 1));
                       });
}

TEST_CASE("a move that is killed leaves every message in one folder or in both", "[maildir][crash]")
{
    Scene scene;
    kill_at_every_step([&] { scene.prepare(); },
                       [&] {
                           auto box = Mailbox::open(scene.place.box());
                           auto folder = (*box)->open_folder("INBOX", false);
                           (void)(*folder)->move({1, 2}, "B");
                       },
                       [&](bool finished) {
                           const auto here = scene.texts("INBOX"), there = scene.texts("B");
                           for (const auto* text : {"one\r\n", "two\r\n"}) {
                               const auto copies = std::count(here.begin(), here.end(), text) + std::count(there.begin(), there.end(), text);
                               CHECK((copies == 1 || (copies == 2 && !finished)));
                           }
                           CHECK((!finished || here == std::vector<std::string>{three}));
                           CHECK(std::count(here.begin(), here.end(), three) == 1);
                       });
}

TEST_CASE("creating, renaming and deleting folders can be killed at any step", "[maildir][crash]")
{
    Scene scene;
    kill_at_every_step(
        [&] {
            scene.prepare();
            const auto box = open_box(scene.place.box());
            append(*box, "in b\r\n", 0, {}, {}, "B");
        },
        [&] {
            auto box = Mailbox::open(scene.place.box());
            (void)(*box)->create("X.Y");
            (void)(*box)->rename("B", "X.B");
            (void)(*box)->remove("X.Y");
        },
        [&](bool finished) {
            const auto box = open_box(scene.place.box());
            const bool is_renamed = exists(scene.place.box() + "/.X.B");
            CHECK(scene.texts(is_renamed ? "X.B" : "B") == std::vector<std::string>{"in b\r\n"});
            CHECK((!finished || is_renamed));
            REQUIRE(box->create("tidy"));
            REQUIRE(box->remove("tidy"));
            for (const auto& name : files_in(scene.place.box()))
                CHECK_FALSE((name.starts_with("buuta-making") || name.starts_with("buuta-removed")));
            CHECK(scene.texts("INBOX").size() == 3);
        });
}

}  // namespace mta::maildir::test
