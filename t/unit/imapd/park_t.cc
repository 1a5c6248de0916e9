#include "client.h"

#include <fstream>

#include "imapd/news.h"
#include "imapd/parking.h"
#include "t/unit/notify/host.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

using imapd::End;

// A client whose session goes from process to process: each visit() is the life of one, which begins with what the client
// has said meanwhile.
class Wanderer {
public:
    explicit Wanderer(std::string maildir, std::string notify_socket = "/nonexistent", std::string main_cf = "")
        : maildir_(std::move(maildir)), notify_socket_(std::move(notify_socket)),
          config_(*config::Config::parse(cat("imapd_worker_idle_time = 20ms\n", main_cf)))
    {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        client_.emplace(Fd(ends[0]));
        worker_.reset(ends[1]);
    }

    // What the server says, its lines joined by "|".
    std::string visit(const std::string& said, End expected = End::parked)
    {
        client_->write(said);
        client_->flush(10s);
        const imapd::Params params(config_);
        imapd::Parking parking{facts, notify_socket_};
        net::Stream stream(std::move(worker_));
        stream.unread(std::exchange(facts.pending, ""));
        imapd::Session session(params, std::move(stream), *maildir::Mailbox::open(maildir_), &parking);
        auto end = session.run();
        CHECK(static_cast<int>(end) == static_cast<int>(expected));
        worker_ = session.release_client();
        std::string all;
        while (client_->wait_readable(0ms))
            all += client_->line(10s) + "|";
        return all;
    }

    service::Session facts;

private:
    std::string maildir_, notify_socket_;
    config::Config config_;
    std::optional<net::Stream> client_;
    Fd worker_;
};

void append(const std::string& maildir, const std::string& text)
{
    auto box = maildir::Mailbox::open(maildir);
    auto upload = (*box)->upload("INBOX");
    REQUIRE((*upload)->add(0, {}, {}));
    REQUIRE((*upload)->write(text));
    REQUIRE((*upload)->commit());
}

void expunge(const std::string& maildir, maildir::Uid uid)
{
    auto folder = (*maildir::Mailbox::open(maildir))->open_folder("INBOX", false);
    REQUIRE((*folder)->expunge({uid}));
}

}  // namespace

TEST_CASE("a session that waited elsewhere goes on as if nothing had been", "[imapd][park]")
{
    test::TemporaryDirectory directory;
    for (int i = 0; i < 3; ++i)
        append(directory.path(), "Subject: x\r\n\r\n");
    Wanderer client(directory.path());
    CHECK(client.visit("a SELECT INBOX\r\n").find("* 3 EXISTS|* 3 RECENT|") != std::string::npos);
    REQUIRE(client.facts.view);
    CHECK_FALSE(client.facts.idle_tag);
    CHECK_FALSE(client.facts.wake);
    CHECK(client.visit("b FETCH 1:* FLAGS\r\n") ==
          "* 1 FETCH (FLAGS (\\Recent))|* 2 FETCH (FLAGS (\\Recent))|* 3 FETCH (FLAGS (\\Recent))|b OK FETCH completed|");
    expunge(directory.path(), 2);
    append(directory.path(), "Subject: y\r\n\r\n");
    // RFC 3501 section 7.4.1: the numbers stay during FETCH.
    auto held = client.visit("c FETCH 3 UID\r\n");
    CHECK(held == "* 3 FETCH (UID 3)|* 4 EXISTS|* 4 RECENT|c OK FETCH completed|");
    CHECK(client.visit("d NOOP\r\n") == "* 2 EXPUNGE|d OK NOOP completed|");
    CHECK(client.visit("e FETCH 2:3 UID\r\n") == "* 2 FETCH (UID 3)|* 3 FETCH (UID 4)|e OK FETCH completed|");
    CHECK(client.visit("f UNSELECT\r\n") == "f OK UNSELECT completed|");
    CHECK_FALSE(client.facts.view);
    CHECK(client.visit("g LOGOUT\r\n", End::logout) == "* BYE Logging out|g OK LOGOUT completed|");
}

TEST_CASE("flags and keywords are as they were told, also in a folder opened by EXAMINE", "[imapd][park]")
{
    test::TemporaryDirectory directory;
    append(directory.path(), "Subject: x\r\n\r\n");
    Wanderer client(directory.path()), looker(directory.path());
    client.visit("a SELECT INBOX\r\nb STORE 1 FLAGS ($Work \\Flagged)\r\n");
    looker.visit("a EXAMINE INBOX\r\n");
    CHECK(client.visit("c STORE 1 +FLAGS ($Two)\r\n").find("* 1 FETCH (FLAGS (\\Flagged \\Recent $Work $Two))|c OK") != std::string::npos);
    auto told = looker.visit("b NOOP\r\n");
    CHECK(told.starts_with("* FLAGS ("));
    CHECK(told.find("$Two") != std::string::npos);
    CHECK(told.find("* 1 FETCH (FLAGS (\\Flagged $Work $Two))|b OK") != std::string::npos);
    CHECK(looker.visit("c STORE 1 FLAGS ()\r\n").find("c NO [READ-ONLY]") != std::string::npos);
    CHECK(client.visit("d NOOP\r\n") == "d OK NOOP completed|");
}

TEST_CASE("commands without sense are counted on", "[imapd][park]")
{
    test::TemporaryDirectory directory;
    Wanderer client(directory.path(), "", "imapd_error_limit = 3\n");
    client.visit("a FOO\r\n");
    client.visit("b FOO\r\n");
    CHECK(client.facts.errors == 2);
    CHECK(client.visit("c FOO\r\n", End::refused) == "c BAD Unknown command FOO|* BYE Too many errors|");
}

TEST_CASE("a half of a command keeps the process that waits for the rest", "[imapd][park]")
{
    test::TemporaryDirectory directory;
    Wanderer client(directory.path(), "", "imapd_command_timeout = 1s\n");
    CHECK(client.visit("a NO", End::timeout) == "");
}

TEST_CASE("a mailbox that went away while the session waited ends it", "[imapd][park]")
{
    test::TemporaryDirectory directory;
    Wanderer client(directory.path());
    client.visit("a CREATE Work\r\nb SELECT Work\r\n");
    REQUIRE((*maildir::Mailbox::open(directory.path()))->remove("Work"));
    CHECK(client.visit("c NOOP\r\n", End::mailbox_gone) == "* BYE The selected mailbox was deleted or renamed|");
}

TEST_CASE("a view that was damaged on its way ends the session", "[imapd][park]")
{
    test::TemporaryDirectory directory;
    Wanderer client(directory.path());
    client.visit("a SELECT INBOX\r\n");
    client.facts.view = GENERATE("", "!", "AAAA");
    CHECK(client.visit("b NOOP\r\n", End::mailbox_gone) == "* BYE [UNAVAILABLE] The mailbox cannot be opened now|");
}

TEST_CASE("without notify a session in IDLE keeps its process, and without a mailbox it need not", "[imapd][park]")
{
    test::TemporaryDirectory directory;
    Wanderer client(directory.path(), "/nonexistent", "imapd_timeout = 1s\n");
    CHECK(client.visit("a IDLE\r\n") == "+ idling|");
    CHECK(client.facts.idle_tag == "a");
    CHECK(client.visit("DONE\r\nb SELECT INBOX\r\n").starts_with("a OK IDLE completed|"));
    CHECK(client.visit("c IDLE\r\n", End::timeout) == "+ idling|* BYE Logged out for inactivity|");
}

TEST_CASE("a mailbox of which there is too much to remember keeps its process", "[imapd][park]")
{
    test::TemporaryDirectory directory;
    REQUIRE(maildir::Mailbox::open(directory.path()));
    for (int i = 1; i <= 9000; ++i)
        std::ofstream(cat(directory.path(), "/cur/", 1000000 + i, ".x.host:2,", i % 2 == 0 ? "S" : "")) << "\n";
    Wanderer client(directory.path(), "/nonexistent", "imapd_timeout = 1s\n");
    CHECK(client.visit("a SELECT INBOX\r\n", End::timeout).find("* 9000 EXISTS|") != std::string::npos);
    CHECK_FALSE(client.facts.view);
}

TEST_CASE("where other hosts can write, the kernel is not relied upon for news", "[imapd][park]")
{
    CHECK(imapd::is_shared_between_hosts(0x6969));      // NFS
    CHECK(imapd::is_shared_between_hosts(0x65735546));  // FUSE
    CHECK_FALSE(imapd::is_shared_between_hosts(0xef53));      // ext4
    CHECK_FALSE(imapd::is_shared_between_hosts(0x01021994));  // tmpfs
    imapd::News news("/nonexistent");
    CHECK(news.expect({"/tmp"}).error().text.find("/nonexistent") != std::string::npos);
    CHECK(news.expect({"/tmp/no/such"}).error().text.find("statfs") != std::string::npos);
}

TEST_CASE("notify wakes a session in IDLE, which goes on there", "[imapd][park]")
{
    test::TemporaryDirectory directory;
    notify::test::Host host;
    append(directory.path(), "Subject: x\r\n\r\n");
    Wanderer client(directory.path(), host.socket());
    CHECK(client.visit("a SELECT INBOX\r\nb IDLE\r\n").find("b OK") == std::string::npos);
    REQUIRE(client.facts.wake);
    CHECK(client.facts.idle_tag == "b");
    auto front = host.connect();
    front.send("watch", *client.facts.wake);
    CHECK_FALSE(front.is_told(50ms));
    append(directory.path(), "Subject: y\r\n\r\n");
    CHECK(front.is_told(10s));
    CHECK(client.visit("") == "* 2 EXISTS|* 2 RECENT|");
    REQUIRE(client.facts.wake);
    expunge(directory.path(), 1);  // before front claims the news
    front.send("watch", *client.facts.wake);
    CHECK(front.is_told(10s));
    CHECK(client.visit("") == "* 1 EXPUNGE|");
    CHECK(client.visit("DONE\r\n") == "b OK IDLE completed|");
}
