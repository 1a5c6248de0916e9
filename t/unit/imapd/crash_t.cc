// Sessions that are killed while they work through what a client has sent.
#include <map>
#include <random>
#include <set>

#include "client.h"
#include "maildir/mailbox.h"

using namespace mta;
using test::Client;

namespace {

const std::vector<std::string> folders{"INBOX", "box"};

class Scene {
public:
    Scene() { REQUIRE((*maildir::Mailbox::open(box()))->create("box")); }

    std::string box() const { return directory_.path(); }
    std::string list_file(std::size_t folder) const { return cat(box(), folder == 0 ? "" : "/.box", "/buuta-uidlist"); }

    // Appends, moves, copies, flags, all in one piece.
    std::string commands()
    {
        std::string all = cat("x SELECT ", folder(), "\r\n");
        for (int i = 0; i < 6; ++i) {
            auto number = ++last_;
            switch (random_() % 5) {
            case 0: all += cat("x UID MOVE ", number / 2, ":* ", folder(), "\r\n"); break;
            case 1: all += cat("x UID COPY ", number / 3, " ", folder(), "\r\n"); break;
            case 2: all += cat("x STORE 1:* +FLAGS (\\Seen $k", random_() % 9, ")\r\n"); break;
            default:
                auto text = cat("Message-ID: <", number, ">\r\n\r\n", std::string(random_() % 9000, 'x'), "\r\n");
                all += cat("m", number, " APPEND ", folder(), " {", text.size(), "+}\r\n", text, "\r\n");
            }
        }
        return all;
    }
    // Waits for some of the seven answers, then kills.
    void work()
    {
        Client client(box());
        client.send(commands());
        for (auto answers = random_() % 7; answers > 0;) {
            auto line = client.line();
            answers -= !line.starts_with("*");
            if (line.starts_with("m") && line.find(" OK ") != std::string::npos)
                stored_.insert(line.substr(1, line.find(' ') - 1));
        }
        client.kill();
    }
    // Other programs rename what is there.
    void rename_some() const
    {
        for (const auto& entry : std::filesystem::directory_iterator(box() + "/cur"))
            if (auto name = entry.path().filename().string(); name.find(",U=") == std::string::npos)
                std::filesystem::rename(entry.path(), cat(box(), "/cur/", name.substr(0, name.find(":2,")), ",U=7:2,F"));
    }
    void cut_a_list()
    {
        auto path = list_file(random_() % 2);
        if (!std::filesystem::exists(path))
            return;
        auto size = std::filesystem::file_size(path);
        std::filesystem::resize_file(path, std::min<std::uintmax_t>(size, 60 + random_() % size));
    }
    void check()
    {
        std::set<std::string> there;
        auto mailbox = std::move(*maildir::Mailbox::open(box()));
        for (const auto& name : folders) {
            auto folder = std::move(*mailbox->open_folder(name, true));
            for (const auto& message : folder->messages()) {
                auto text = *folder->open(message.uid)->read(0, 40);
                auto id = text.substr(13, text.find('>') - 13);
                auto [known, is_first] = ids_.emplace(std::tuple(name, folder->uid_validity(), message.uid), id);
                REQUIRE(known->second == id);
                there.insert(id);
            }
        }
        for (const auto& id : stored_)
            REQUIRE(there.contains(id));
    }

private:
    const std::string& folder() { return folders[random_() % folders.size()]; }

    test::TemporaryDirectory directory_;
    std::mt19937 random_{1};
    unsigned last_ = 0;
    std::set<std::string> stored_;  // what an OK was seen for
    std::map<std::tuple<std::string, std::uint32_t, maildir::Uid>, std::string> ids_;
};

}  // namespace

TEST_CASE("sessions killed at any moment lose nothing, and no UID names two messages", "[imapd][crash]")
{
    Scene scene;
    for (int round = 0; round < 60; ++round) {
        scene.work();
        if (round % 5 == 1)
            scene.rename_some();
        if (round % 7 == 3)
            scene.cut_a_list();
        scene.check();
    }
}
