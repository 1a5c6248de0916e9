#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "base/text.h"
#include "net/stream.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"
#include "tls/transport.h"

// IMAP sessions without work wait in front, and go on in whichever process comes next.
namespace mta {

namespace {

using namespace std::chrono_literals;

test::Suite& suite()
{
    static test::Suite instance(test::Settings{{"imapd_worker_idle_time", "50ms"}});
    return instance;
}

// A session of the user, logged in, over plain TCP or TLS from the first byte.
class Session {
public:
    Session(const test::Suite& suite, int user, bool tls) : stream_(connect(suite, tls))
    {
        if (tls) {
            tls::Settings settings;
            settings.is_server = false;
            context_.emplace(*tls::Context::load(settings));
            auto transport = std::make_unique<tls::Transport>(stream_.fd(), *context_);
            transport->handshake(std::chrono::steady_clock::now() + 20s);
            stream_.set_transport(std::move(transport));
        }
        REQUIRE(line().starts_with("* OK"));
        REQUIRE(command(cat("LOGIN ", suite.user(user), " pass", user)).ends_with("OK Logged in|"));
        REQUIRE(command("SELECT INBOX").find("OK [READ-WRITE]") != std::string::npos);
    }

    std::string line() { return stream_.line(20s); }
    void say(std::string_view text)
    {
        stream_.write(cat(text, "\r\n"));
        stream_.flush(20s);
    }
    // All lines up to the tagged one, the tag left out, each with "|".
    std::string command(const std::string& text)
    {
        auto tag = cat("t", ++count_, " ");
        say(tag + text);
        for (std::string all;;) {
            auto answer = line();
            if (answer.starts_with(tag))
                return cat(all, answer.substr(tag.size()), "|");
            all += answer + "|";
        }
    }
    void idle()
    {
        say("idle IDLE");
        REQUIRE(line() == "+ idling");
    }
    std::string done()
    {
        say("DONE");
        return line();
    }
    // Reads on until a line comes that begins so.
    std::string until(std::string_view begin)
    {
        auto answer = line();
        while (!answer.starts_with(begin))
            answer = line();
        return answer;
    }

private:
    static Fd connect(const test::Suite& suite, bool tls)
    {
        auto port = static_cast<std::uint16_t>(suite.port(tls ? "IMAPS" : "IMAP"));
        auto fd = net::connect_tcp({*net::Address::parse("127.0.0.1"), port}, 10s);
        REQUIRE(fd);
        return *std::move(fd);
    }
    std::optional<tls::Context> context_;
    net::Stream stream_;
    int count_ = 0;
};

std::size_t sockets_of(pid_t pid)
{
    std::size_t count = 0;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(cat("/proc/", pid, "/fd"), gone))
        count += std::filesystem::read_symlink(entry.path(), gone).string().starts_with("socket:") ? 1 : 0;
    return count;
}

// Waits until no process of imapd has a session: a parent has its listener and master, a worker at rest only the former.
void wait_until_parked(const test::Suite& suite)
{
    REQUIRE(test::wait_for(suite.directory() + "/log", [&] {
        for (auto pid : suite.daemons("imapd"))
            if (sockets_of(pid) > 2)
                return false;
        return true;
    }));
}

void deliver(const test::Suite& suite, int user)
{
    auto subject = test::unique();
    suite.send(test::message(subject, "text\r\n"), {suite.user(user)});
}

std::string exists(std::size_t count) { return cat("* ", count, " EXISTS"); }

}  // namespace

TEST_CASE("sessions that wait without a process are told of mail and of what others do", "[system][imap][park]")
{
    bool tls = GENERATE(false, true);
    suite().mark();
    INFO((tls ? "TLS" : "plain"));
    deliver(suite(), 1);
    suite().log_line("to=<user1@example.test>.*status=sent");
    Session waiting(suite(), 1, tls), silent(suite(), 1, tls);
    auto count = suite().messages(suite().maildir(1)).size();
    waiting.idle();
    wait_until_parked(suite());

    deliver(suite(), 1);
    CHECK(waiting.line() == exists(count + 1));
    CHECK(waiting.line().ends_with(" RECENT"));
    wait_until_parked(suite());

    Session other(suite(), 1, false);
    other.command("STORE 1 +FLAGS (\\Deleted)");
    CHECK(waiting.until("* 1 FETCH").starts_with("* 1 FETCH (FLAGS (\\Deleted"));
    other.command("EXPUNGE");
    CHECK(waiting.until("* 1 EXP") == "* 1 EXPUNGE");
    wait_until_parked(suite());

    CHECK(silent.command("NOOP") == cat("* 1 EXPUNGE|", exists(count), "|* 0 RECENT|OK NOOP completed|"));
    CHECK(silent.command("FETCH 1 UID").find("* 1 FETCH (UID ") == 0);
    wait_until_parked(suite());
    CHECK(waiting.done() == "idle OK IDLE completed");
    for (auto* session : {&waiting, &silent, &other})
        CHECK(session->command("LOGOUT") == "* BYE Logging out|OK LOGOUT completed|");
    CHECK(test::wait_for(suite().directory() + "/log", [&] { return suite().log_lines("logout: user=<user1@example.test>.*Logged out").size() == 3; }));
    CHECK(suite().log_lines("logout: user=<user1").size() == 3);
}

TEST_CASE("a session that waits ends with one line in the log when its client goes", "[system][imap][park]")
{
    bool tls = GENERATE(false, true);
    suite().mark();
    {
        Session session(suite(), 2, tls);
        wait_until_parked(suite());
    }
    suite().log_line("imapd\\[[0-9]+\\]: logout: user=<user2@example.test>, rip=127.0.0.1, Connection closed");
    CHECK(suite().log_lines("logout: user=<user2").size() == 1);
}

TEST_CASE("sessions that wait survive the death of notify", "[system][imap][park]")
{
    Session plain(suite(), 3, false), tls(suite(), 3, true);
    for (auto* session : {&plain, &tls})
        session->idle();
    wait_until_parked(suite());
    auto daemons = suite().daemons("notify");
    REQUIRE(daemons.size() == 1);
    REQUIRE(::kill(daemons[0], SIGKILL) == 0);
    suite().log_line("notify pid [0-9]+ killed by signal 9");
    deliver(suite(), 3);
    for (auto* session : {&plain, &tls})
        CHECK(session->until("* 1 EX") == exists(1));
    wait_until_parked(suite());  // with the new one
    deliver(suite(), 3);
    for (auto* session : {&plain, &tls}) {
        CHECK(session->until("* 2 EX") == exists(2));
        CHECK(session->until("* ").ends_with(" RECENT"));
        CHECK(session->done() == "idle OK IDLE completed");
    }
    CHECK_FALSE(suite().has_log_line("logout: user=<user3"));
}

TEST_CASE("a reload ends no session that waits", "[system][imap][park]")
{
    Session idle(suite(), 4, false), idle_tls(suite(), 4, true), silent(suite(), 4, false), silent_tls(suite(), 4, true);
    auto smtp = suite().smtp();
    smtp.talk({{"", "220"}, {"EHLO sender.example.test", "250"}});
    for (auto* session : {&idle, &idle_tls})
        session->idle();
    wait_until_parked(suite());
    auto old = suite().daemons("imapd");
    suite().reload();
    // The processes of before are gone, but not those that hold connections.
    REQUIRE(test::wait_for(suite().directory() + "/log", [&] {
        auto now = suite().daemons("imapd");
        return !now.empty() && std::none_of(old.begin(), old.end(), [&](pid_t pid) { return std::find(now.begin(), now.end(), pid) != now.end(); });
    }));
    deliver(suite(), 4);
    for (auto* session : {&idle, &idle_tls}) {
        CHECK(session->until("* 1 EX") == exists(1));
        CHECK(session->until("* ").ends_with(" RECENT"));
        CHECK(session->done() == "idle OK IDLE completed");
    }
    for (auto* session : {&silent, &silent_tls})
        CHECK(session->command("NOOP").starts_with(exists(1)));
    for (auto* session : {&idle, &idle_tls, &silent, &silent_tls})
        CHECK(session->command("LOGOUT") == "* BYE Logging out|OK LOGOUT completed|");
    smtp.talk({{"NOOP", "250"}, {"QUIT", "221"}});
    CHECK(test::wait_for(suite().directory() + "/log", [&] { return suite().log_lines("logout: user=<user4.*Logged out").size() == 4; }));
    CHECK(suite().log_lines("logout: user=<user4").size() == 4);
}

TEST_CASE("a stop says goodbye to sessions that wait", "[system][imap][park]")
{
    test::Suite own(test::Settings{{"imapd_worker_idle_time", "50ms"}});
    auto plain = std::make_unique<Session>(own, 1, false), tls = std::make_unique<Session>(own, 1, true);
    tls->idle();
    wait_until_parked(own);
    REQUIRE(::kill(own.master(), SIGTERM) == 0);
    for (auto* session : {&plain, &tls}) {
        CHECK((*session)->line() == "* BYE [UNAVAILABLE] the server stops");
        session->reset();
    }
    own.stop();
    CHECK(own.log_lines("logout: user=<user1@example.test>, rip=127.0.0.1, Server stopped").size() == 2);
    CHECK(own.log_lines("logout: ").size() == 2);
    CHECK_FALSE(own.has_log_line("killed by signal"));
}

}  // namespace mta
