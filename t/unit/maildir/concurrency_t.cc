// Several processes at once on one mailbox.
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "fixture.h"
#include "maildir/file_name.h"

namespace mta::maildir::test {
namespace {

constexpr int deliverers = 3, deliveries = 60, sessions = 3;

void run_deliverer(const std::string& box, int number)
{
    for (int i = 0; i < deliveries; ++i) {
        const auto text = cat("message ", number, " ", i, "\n");
        char name[] = "/tmp/maildir-letter.XXXXXX";
        const Fd fd(::mkstemp(name));
        ::unlink(name);
        if (!write_all(fd.get(), text))
            ::_exit(1);
        Delivery delivery;
        delivery.queue_id = cat("Q", number, "-", i);
        delivery.recipient = "user@example.com";
        delivery.content = fd.get();
        delivery.size = text.size();
        delivery.host = "h";
        if (!deliver(box, delivery))
            ::_exit(1);
    }
    ::_exit(0);
}

// Works on the mailbox until it has seen every message, and writes down what it saw: "uid text" per line.
void run_session(const std::string& path, int number, const std::string& report)
{
    std::ofstream out(report);
    auto box = Mailbox::open(path);
    auto opened = (*box)->open_folder("INBOX", false);
    if (!opened)
        ::_exit(2);
    auto& folder = **opened;
    std::set<Uid> noted;
    const auto deadline = std::time(nullptr) + 60;
    for (bool is_last = false; !is_last;) {
        is_last = folder.uid_next() > deliverers * deliveries;
        if (std::time(nullptr) > deadline || !folder.refresh(Expunge::apply))
            ::_exit(3);
        std::vector<Uid> mine;
        for (const auto& message : folder.messages()) {
            if (!noted.insert(message.uid).second)
                continue;
            auto body = folder.open(message.uid);
            if (!body && body.error().status == message_gone)
                continue;  // expunged by another session
            if (!body)
                ::_exit(6);
            out << message.uid << ' ' << *body->read_all() << '\n';
            mine.push_back(message.uid);
        }
        if (!folder.change_flags(mine, FlagChange::add, number % 2 ? seen : flagged, {cat("session", number)}))
            ::_exit(4);
        std::vector<Uid> doomed;
        for (Uid uid : mine)
            if (uid % 10 == static_cast<Uid>(number))
                doomed.push_back(uid);
        if (!folder.expunge(doomed))
            ::_exit(5);
    }
    out.flush();
    ::_exit(0);
}

// Renames files as other programs do, without our lock.
void run_foreigner(const std::string& box, int stop)
{
    char byte = 0;
    for (int round = 0; ::read(stop, &byte, 1) < 0 && errno == EAGAIN; ++round) {
        for (const auto& name : files_in(box + "/cur")) {
            const auto parts = split_name(name);
            const auto flags = flags_of(parts.suffix);
            const auto base = round % 5 == 4 && parts.base.find(",U=") == std::string_view::npos ? cat(parts.base, ",U=1") : std::string(parts.base);
            ::renameat2(AT_FDCWD, cat(box, "/cur/", name).c_str(), AT_FDCWD,
                        cat(box, "/cur/", base, with_flags(parts.suffix, flags ^ answered)).c_str(), RENAME_NOREPLACE);
        }
        ::usleep(2000);
    }
    ::_exit(0);
}

pid_t start(const std::function<void()>& work)
{
    const pid_t child = ::fork();
    if (child == 0) {
        work();
        ::_exit(9);
    }
    return child;
}

int result_of(pid_t child)
{
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

void check_everything(const Place& place)
{
    std::map<std::string, std::string> text_of_uid, uid_of_text;
    for (int i = 0; i < sessions; ++i) {
        std::ifstream report(cat(place.path(), "/report", i));
        for (std::string line; std::getline(report, line);) {
            std::istringstream words(line);
            std::string uid, text;
            words >> uid;
            std::getline(words, text, '\r');
            if (uid.empty())
                continue;
            CHECK(text_of_uid.emplace(uid, text).first->second == text);
            CHECK(uid_of_text.emplace(text, uid).first->second == uid);
        }
    }
    const auto box = open_box(place.box());
    auto folder = open_folder(*box);
    for (const auto& message : folder->messages()) {
        CHECK(message.uid % 10 >= sessions);
        CHECK(text_of_uid.contains(cat(message.uid)));
    }
    CHECK(uid_of_text.size() == deliverers * deliveries);
    CHECK(folder->messages().size() == deliverers * deliveries * (10 - sessions) / 10);
    CHECK(files_in(place.box() + "/cur").size() == folder->messages().size());
}

}  // namespace

TEST_CASE("deliveries and sessions that change and expunge at once lose and double nothing", "[maildir]")
{
    const Place place;
    const bool with_foreigner = GENERATE(false, true);
    open_box(place.box());
    std::vector<pid_t> children;
    for (int i = 0; i < deliverers; ++i)
        children.push_back(start([&] { run_deliverer(place.box(), i); }));
    for (int i = 0; i < sessions; ++i)
        children.push_back(start([&] { run_session(place.box(), i, cat(place.path(), "/report", i)); }));
    int stop[2];
    REQUIRE(::pipe2(stop, O_NONBLOCK) == 0);
    const pid_t foreigner = with_foreigner ? start([&] { run_foreigner(place.box(), stop[0]); }) : -1;
    for (pid_t child : children)
        CHECK(result_of(child) == 0);
    REQUIRE(::write(stop[1], "x", 1) == 1);
    if (with_foreigner)
        CHECK(result_of(foreigner) == 0);
    ::close(stop[0]);
    ::close(stop[1]);
    check_everything(place);
}

}  // namespace mta::maildir::test
