#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/process.h"
#include "t/lib/suite.h"

// The mail system as a whole: reload, stop, daemons that do not start, and what others hear of it.
namespace mta {

using namespace std::chrono_literals;

namespace {

test::Suite& shared()
{
    static test::Suite suite(test::Settings{{"shutdown_time_limit", "3s"}});
    if (suite.tool("buuta status").status != 0)
        suite.start();  // a test that failed has left it like this
    return suite;
}

// A client whose message is half sent.
test::Connection in_data(const test::Suite& suite, const std::string& subject)
{
    auto client = suite.smtp();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"}, {"RCPT TO:<user2@example.test>", "250"},
                 {"DATA", "354"}});
    client.write(test::message(subject, "the first half\r\n"));
    return client;
}

test::Connection pop3(const test::Suite& suite, int number)
{
    test::Connection client(suite.port("POP3"));
    client.talk({{"", "+OK"}, {cat("USER ", suite.user(number)), "+OK"}, {cat("PASS pass", number), "+OK"}});
    return client;
}

test::Connection imap(const test::Suite& suite, int number)
{
    test::Connection client(suite.port("IMAP"));
    client.line();
    CHECK(client.imap(cat("LOGIN ", suite.user(number), " pass", number)).find("a1 OK") != std::string::npos);
    CHECK(client.imap("SELECT INBOX").find("a2 OK") != std::string::npos);
    return client;
}

// Connects to the ports again and again, and counts those who do not get a greeting.
class Visitors {
public:
    explicit Visitors(std::vector<int> ports) : thread_([this, ports = std::move(ports)] { run(ports); }) {}
    ~Visitors() { is_over_ = true; }
    int visits() const { return visits_; }
    int refused() const { return refused_; }

private:
    void run(const std::vector<int>& ports)
    {
        for (std::size_t i = 0; !is_over_; ++i) {
            try {
                auto greeting = test::Connection(ports[i % ports.size()]).line();
                refused_ += !(greeting.starts_with("220 ") || greeting.starts_with("+OK") || greeting.starts_with("* OK"));
            } catch (const std::exception&) {
                ++refused_;
            }
            ++visits_;
        }
    }

    std::atomic<bool> is_over_ = false;
    std::atomic<int> visits_ = 0, refused_ = 0;
    std::jthread thread_;
};

// The socket of a service manager.
class Manager {
public:
    explicit Manager(std::string path) : path_(std::move(path)), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        path_.copy(name.sun_path, sizeof name.sun_path - 1);
        REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
        ::chmod(path_.c_str(), 0777);
        timeval limit{20, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    const std::string& path() const { return path_; }
    std::string next() const
    {
        std::string text(4096, '\0');
        auto size = ::recv(socket_.get(), text.data(), text.size(), 0);
        text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return text;
    }

private:
    std::string path_;
    Fd socket_;
};

bool greets(int port, std::string_view text)
{
    try {
        return test::Connection(port).line().find(text) != std::string::npos;
    } catch (const std::exception&) {
        return false;
    }
}

}  // namespace

TEST_CASE("a reload loses no session and no connection, and new sessions see what has changed", "[system][master]")
{
    auto& suite = shared();
    auto subject = test::unique(), first = test::unique();
    suite.send(test::message(first), {suite.user(1)});
    suite.arrival(1, first);
    auto smtp = in_data(suite, subject);
    auto reader = imap(suite, 1);
    auto fetcher = pop3(suite, 1);
    auto banner = test::unique();
    Visitors visitors({suite.port("SMTP"), suite.port("SUBMISSION"), suite.port("IMAP"), suite.port("POP3")});
    for (int i = 0; i < 2; ++i) {
        REQUIRE(suite.tool(cat("postconf -e 'smtpd_banner=mail.example.test ESMTP ", banner, i, "' message_size_limit=", 60000 + i)).status == 0);
        suite.reload();
        REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return greets(suite.port("SMTP"), cat(banner, i)); }));
    }
    CHECK(suite.smtp().line().find(banner + "1") != std::string::npos);
    auto fresh = suite.smtp();
    fresh.reply();
    CHECK(fresh.command("EHLO sender.example.test").find("SIZE 60001\n") != std::string::npos);
    fresh.talk({{"MAIL FROM:<a@sender.example.test> SIZE=60002", "552"}});

    smtp.write("the second half\r\n");
    smtp.talk({{".", "250"}, {"QUIT", "221"}});
    CHECK(suite.arrival(2, subject).find("the second half") != std::string::npos);
    CHECK(reader.imap("FETCH 1 BODY[]").find(first) != std::string::npos);
    fetcher.talk({{"RETR 1", "+OK"}});
    CHECK(visitors.refused() == 0);
    CHECK(visitors.visits() > 20);
}

TEST_CASE("a configuration that is wrong changes nothing at a reload", "[system][master]")
{
    auto& suite = shared();
    auto good = *read_file(suite.get("CONFIG_DIRECTORY") + "/main.cf");
    suite.write_file("main.cf", good + "smtpd_timeout = soon\n");
    auto refused = suite.tool("buuta reload");
    INFO(refused.output);
    CHECK(refused.status == 1);
    CHECK(refused.output.find("smtpd_timeout") != std::string::npos);
    // The second is a mistake that only the daemon itself can know.
    for (std::string_view mistake : {"smtpd_timeout = soon\n", "smtpd_recipient_restrictions = permit_mynetworks, reject_unath_destination\n"}) {
        suite.mark();
        suite.write_file("main.cf", cat(good, mistake));
        ::kill(suite.master(), SIGHUP);
        suite.log_line("master\\[[0-9]+\\]: error: reload: the configuration is not usable, going on with the old one");
        CHECK(suite.has_log_line(cat("master\\[[0-9]+\\]: error: .*/smtpd: fatal: .*main\\.cf, line [0-9]+: ", mistake.substr(0, mistake.find(' ')))));
        CHECK(suite.smtp().line().starts_with("220 "));
    }
    suite.write_file("main.cf", good);
    suite.reload();
}

TEST_CASE("a stop lets a message that is being received finish, and it is there after the start", "[system][master]")
{
    auto& suite = shared();
    auto subject = test::unique();
    auto smtp = in_data(suite, subject);
    auto reader = imap(suite, 1);
    auto kept = test::unique();
    suite.send(test::message(kept), {suite.user(3)});
    suite.arrival(3, kept);
    auto fetcher = pop3(suite, 3);
    fetcher.talk({{"DELE 1", "+OK"}});
    test::Background stop(cat("exec ", suite.get("BIN"), "/buuta stop"), suite.environment());
    suite.log_line("master\\[[0-9]+\\]: terminating on signal 15");
    REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return !greets(suite.port("SMTP"), ""); }));
    smtp.write("the second half\r\n");
    smtp.talk({{".", "250"}});
    CHECK(smtp.is_closed(10s));
    CHECK(reader.is_closed(10s));
    CHECK(fetcher.is_closed(10s));
    auto stopped = stop.wait(15s);
    INFO(stopped.output);
    CHECK(stopped.status == 0);
    CHECK(suite.tool("buuta status").status == 1);
    CHECK(suite.tool("buuta stop").status == 1);
    suite.start();
    CHECK(suite.tool("buuta status").status == 0);
    CHECK(suite.arrival(2, subject).find("the second half") != std::string::npos);
    suite.arrival(3, kept);
    CHECK(test::wait_for(suite.directory() + "/log", [&] { return suite.tool("postqueue -p").output == "Mail queue is empty\n"; }));
}

TEST_CASE("clients that are silent are kept by a reload, and told of a stop", "[system][master]")
{
    auto& suite = shared();
    auto limit = [&](std::string_view time) { REQUIRE(suite.tool(cat("postconf -e shutdown_time_limit=", time)).status == 0); };
    auto kept = test::unique();
    suite.send(test::message(kept), {suite.user(7)});
    suite.arrival(7, kept);
    auto fetcher = pop3(suite, 7);
    fetcher.talk({{"DELE 1", "+OK"}});
    auto reader = imap(suite, 7), idler = imap(suite, 7);
    idler.write("i IDLE\r\n");
    CHECK(idler.line().starts_with("+ "));
    auto writer = suite.smtp(), visitor = suite.smtp();
    writer.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"}});
    visitor.talk({{"", "220"}});
    limit("30s");
    suite.reload();
    CHECK(fetcher.rest(1500ms).empty());
    CHECK(writer.rest(0ms).empty());
    auto start = test::Clock::now();
    suite.stop();
    CHECK(test::Clock::now() - start < 15s);
    CHECK(fetcher.line() == "-ERR [SYS/TEMP] The server stops.");
    CHECK(reader.line().starts_with("* BYE [UNAVAILABLE] "));
    CHECK(idler.line().starts_with("* BYE [UNAVAILABLE] "));
    CHECK(writer.line() == "421 4.3.2 mail.example.test Error: the server stops");
    CHECK(visitor.line() == "421 4.7.0 mail.example.test Error: the server stops");
    limit("3s");
    suite.start();
    suite.arrival(7, kept);
}

TEST_CASE("a stop right behind a reload is as quick as any", "[system][master]")
{
    auto& suite = shared();
    for (int i = 0; i < 2; ++i) {
        suite.reload();
        suite.reload();
        auto start = test::Clock::now();
        suite.stop();
        CHECK(test::Clock::now() - start < 3s);  // then those that did not hear of it are ended
        suite.start();
    }
}

TEST_CASE("a queue has one master", "[system][master]")
{
    auto& suite = shared();
    auto master = suite.master();
    auto second = suite.tool("master -c $CONFIG_DIRECTORY");
    INFO(second.output);
    CHECK(second.status == 1);
    CHECK(second.output.find("the mail system is already running") != std::string::npos);
    CHECK(suite.tool("buuta start").status == 1);
    CHECK(suite.tool("master -t -c $CONFIG_DIRECTORY").status == 1);
    CHECK(suite.master() == master);
    auto status = suite.tool("buuta status");
    CHECK(status.status == 0);
    CHECK(status.output.find(cat("is running: PID: ", master)) != std::string::npos);
    CHECK(suite.smtp().line().starts_with("220 "));
}

TEST_CASE("the service manager is told of start, reload and stop", "[system][master]")
{
    auto& suite = shared();
    suite.stop();
    Manager manager(suite.directory() + "/notify");
    auto started = suite.run(cat("NOTIFY_SOCKET=", manager.path(), " exec $BIN/buuta start"));
    INFO(started.output);
    REQUIRE(started.status == 0);
    CHECK(manager.next().starts_with("READY=1\n"));
    suite.reload();
    auto reloading = manager.next();
    CHECK(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(manager.next().starts_with("READY=1\n"));
    suite.stop();
    std::string last;
    for (int i = 0; i < 10 && !last.starts_with("STOPPING=1\n"); ++i)
        last = manager.next();
    CHECK(last.starts_with("STOPPING=1\n"));
    suite.start();
}

TEST_CASE("a daemon that dies at its start is tried more and more slowly, and the others go on", "[system][master]")
{
    auto& suite = shared();
    auto programs = suite.directory() + "/programs", starts = suite.directory() + "/starts";
    std::filesystem::create_directory(programs);
    for (const auto& entry : std::filesystem::directory_iterator(suite.get("BIN")))
        std::filesystem::create_symlink(entry.path(), programs + "/" + entry.path().filename().string());
    REQUIRE(replace_file(programs + "/broken", cat("#!/bin/sh\n[ \"$1\" != -k ] || exit 0\n/bin/date +%s%3N >> ", starts, "\nexit 1\n"), 0755));
    auto services = *read_file(suite.get("CONFIG_DIRECTORY") + "/master.cf");
    suite.write_file("master.cf", services + "broken unix - n n - - broken\n");
    REQUIRE(suite.tool(cat("postconf -e daemon_directory=", programs)).status == 0);
    suite.reload();
    std::vector<long> times;
    REQUIRE(test::wait_for(suite.directory(), [&] {
        times.clear();
        auto text = read_file(starts);
        for (auto line : split_words(text ? std::string_view(*text) : std::string_view()))
            times.push_back(parse_number<long>(line).value_or(0));
        return times.size() >= 3;
    }));
    // One second, then two; but each says the time only when it has come so far.
    CHECK(times[1] - times[0] > 600);
    CHECK(times[2] - times[1] > 1600);
    suite.log_line("warning: .*broken: bad command startup -- throttling");
    auto subject = test::unique();
    suite.send(test::message(subject), {suite.user(4)});
    suite.arrival(4, subject);
    suite.write_file("master.cf", services);
    REQUIRE(suite.tool("postconf -e daemon_directory=$BIN").status == 0);
    suite.reload();
}

TEST_CASE("a daemon that is killed is there again, and leaves no process behind", "[system][master]")
{
    auto& suite = shared();
    for (std::string program : {"front", "qmgr", "virtual", "auth"}) {
        auto killed = suite.daemons(program);
        REQUIRE(!killed.empty());
        for (auto pid : killed)
            ::kill(pid, SIGKILL);
        CHECK(test::wait_for(suite.directory() + "/log", [&] {
            auto now = suite.daemons(program);
            return !now.empty() && std::none_of(now.begin(), now.end(), [&](auto pid) { return std::count(killed.begin(), killed.end(), pid); });
        }));
    }
    auto subject = test::unique();
    suite.send(test::message(subject), {suite.user(5)});
    suite.arrival(5, subject);
}

TEST_CASE("master is process 1 of a container", "[system][master][root]")
{
    if (test::run("unshare --pid --fork --mount-proc true").status != 0) {
        WARN("skipped: no new PID namespace with a /proc of its own can be made here");
        return;
    }
    auto& suite = shared();
    suite.stop();
    {
        test::Background container("exec unshare --pid --fork --kill-child --mount-proc $BIN/buuta start-fg", suite.environment());
        REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return greets(suite.port("SMTP"), "220"); }));
        CHECK(*read_file(suite.queue_directory() + "/pid/master.pid") == "1\n");
        auto find = [&](const std::vector<test::Process>& inside, std::string_view program) {
            return std::find_if(inside.begin(), inside.end(), [&](auto& process) { return process.program == program; });
        };
        std::vector<test::Process> inside;
        REQUIRE(test::wait_for(suite.directory() + "/log", [&] {
            inside = test::descendants(container.pid());
            return find(inside, "master") != inside.end() && find(inside, "virtual") != inside.end();
        }));
        auto master = find(inside, "master"), parent = find(inside, "virtual");
        ::kill(parent->pid, SIGKILL);
        auto subject = test::unique();
        suite.send(test::message(subject), {suite.user(6)});
        suite.arrival(6, subject);
        CHECK(test::wait_for(suite.directory() + "/log", [&] {
            auto now = test::descendants(master->pid);
            return std::none_of(now.begin(), now.end(), [](auto& process) { return process.state == 'Z'; });
        }));
        ::kill(master->pid, SIGTERM);
        auto ended = container.wait(15s);
        INFO(ended.output);
        CHECK(ended.status == 0);
    }
    suite.start();
}

}  // namespace mta
