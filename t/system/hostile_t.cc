#include <poll.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <random>
#include <thread>

#include "base/encode.h"
#include "base/text.h"
#include "t/lib/flood.h"
#include "t/lib/message.h"
#include "t/lib/process.h"
#include "t/lib/suite.h"

// Clients that are slow, break off, flood, and send nonsense: others do not notice, and nothing of them stays.
namespace mta {

using namespace std::chrono_literals;

namespace {

constexpr int slow_clients = 400, addresses = 20, clients_in_mail = 40;
constexpr auto prompt = 5s;  // a hundred times what it takes, for slow machines
const std::vector<std::string> ports{"SMTP", "SUBMISSION", "SUBMISSIONS", "IMAP", "IMAPS", "POP3", "POP3S"};

test::Suite& shared()
{
    static test::Suite suite(test::Settings{{"smtpd_error_sleep_time", "0"}, {"auth_failure_delay", "100ms"}});
    return suite;
}

// The files of mail, complete or not; not those that are prepared for mail to come, which are empty.
std::vector<std::string> queue_files(const test::Suite& suite)
{
    std::vector<std::string> found;
    std::error_code gone;
    for (auto state : {"incoming", "active", "deferred", "hold", "corrupt"})
        for (const auto& entry : std::filesystem::recursive_directory_iterator(cat(suite.queue_directory(), "/", state)))
            if (entry.is_regular_file() && (entry.file_size(gone) > 0 || !entry.path().filename().string().starts_with(".p")))
                found.push_back(entry.path().string());
    return found;
}

int connections(const test::Suite& suite)
{
    int count = 0;
    for (const auto& port : ports)
        count += test::open_connections(suite.port(port));
    return count;
}

// Nobody is connected any more, the queue is empty, and each session that began has ended.
void check_nothing_is_left(const test::Suite& suite)
{
    CHECK(test::wait_for(suite.directory() + "/log", [&] { return connections(suite) == 0; }));
    CHECK(test::wait_for(suite.queue_directory() + "/incoming", [&] { return queue_files(suite).empty(); }));
    CHECK(test::wait_for(suite.directory() + "/log", [&] {
        return suite.log_lines("smtpd\\[[0-9]+\\]: disconnect from").size() >= suite.log_lines("smtpd\\[[0-9]+\\]: connect from").size();
    }));
}

// Workers that are idle end at once: a stop takes long only if one of them still serves somebody.
void check_no_worker_is_busy(test::Suite& suite)
{
    auto start = test::Clock::now();
    suite.stop();
    CHECK(test::Clock::now() - start < prompt);
    suite.start();
}

std::chrono::milliseconds since(test::Clock::time_point start) { return std::chrono::duration_cast<std::chrono::milliseconds>(test::Clock::now() - start); }

// A client that behaves is greeted, delivers and reads.
void check_good_client(test::Suite& suite, std::string_view during = "")
{
    auto start = test::Clock::now();
    auto client = suite.smtp("127.0.0.9");
    client.talk({{"", "220"}});
    auto greeted = since(start);
    auto subject = test::unique();
    suite.send(test::message(subject), {suite.user(8)});
    suite.arrival(8, subject);
    auto delivered = since(start);
    test::Connection reader(suite.port("IMAP"), "127.0.0.1", "127.0.0.9");
    reader.line();
    CHECK(reader.imap("LOGIN user8@example.test pass8").find("a1 OK") != std::string::npos);
    CHECK(since(start) < prompt);
    if (!during.empty())
        std::cout << during << ": a good client is greeted after " << greeted.count() << " ms, its mail is delivered after " << delivered.count()
                  << " ms, logged in at IMAP after " << since(start).count() << " ms" << std::endl;
}

std::string address(int number) { return cat("127.0.0.", 20 + number % addresses); }

// Clients of many addresses, of which every second sends a byte now and then, and some are in the middle of a mail.
class Crowd {
public:
    explicit Crowd(const test::Suite& suite)
    {
        for (int i = 0; i < slow_clients; ++i)
            clients_.push_back(suite.smtp(address(i)));
        for (int i = 0; i < clients_in_mail; ++i)
            clients_[static_cast<std::size_t>(i)].talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"},
                                                        {"RCPT TO:<user1@example.test>", "250"}, {"DATA", "354"}});
        dribbler_ = std::jthread([this] { dribble(); });
    }
    ~Crowd() { is_over_ = true; }

private:
    void dribble()
    {
        while (!is_over_) {
            for (std::size_t i = 0; i < clients_.size(); i += 2)
                clients_[i].try_write("X");
            ::poll(nullptr, 0, 100);  // the pace
        }
    }

    std::atomic<bool> is_over_ = false;
    std::vector<test::Connection> clients_;
    std::jthread dribbler_;
};

// Says the lines one after the other, reads a reply to each, and leaves after the bytes of the last without waiting.
struct Break {
    std::string port;
    std::vector<std::string> lines;
    std::string last;
};

const std::vector<Break>& breaks()
{
    static const std::string login = cat("AUTH PLAIN ", base64_encode(cat('\0', "user1@example.test", '\0', "pass1")));
    static const std::string hello = "EHLO sender.example.test", mail = "MAIL FROM:<a@sender.example.test>", to = "RCPT TO:<user1@example.test>";
    using namespace std::string_literals;
    static const std::string client_hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half a hello"s;
    static const std::vector<Break> all{
        {"SMTP", {}, ""}, {"SMTP", {}, "EHLO half a li"}, {"SMTP", {hello}, ""}, {"SMTP", {hello}, "QUIT\r\n"}, {"SMTP", {hello}, "STARTTLS\r\n"},
        {"SMTP", {hello, "STARTTLS"}, ""}, {"SMTP", {hello, "STARTTLS"}, client_hello}, {"SMTP", {hello, "STARTTLS"}, "no TLS at all\r\n"},
        {"SMTP", {hello}, mail + "\r\n"}, {"SMTP", {hello, mail}, ""}, {"SMTP", {hello, mail}, to + "\r\n"}, {"SMTP", {hello, mail, to}, ""},
        {"SMTP", {hello, mail, to}, "DATA\r\n"}, {"SMTP", {hello, mail, to, "DATA"}, ""}, {"SMTP", {hello, mail, to, "DATA"}, "Subject: half a fie"},
        {"SMTP", {hello, mail, to, "DATA"}, test::message("broken off", test::large_body(300000))}, {"SMTP", {hello, mail, to, "DATA"}, "x\r\n."},
        {"SMTP", {hello, mail, to, "DATA"}, "x\r\n.\r"}, {"SMTP", {hello, mail, to, "RSET"}, mail}, {"SMTP", {hello, mail}, "NOOP\r\nRSET\r\nVRFY <user1@example.test>\r\n"},
        {"SUBMISSION", {hello}, "AUTH PLAIN\r\n"}, {"SUBMISSION", {hello, "AUTH LOGIN"}, ""}, {"SUBMISSION", {hello}, login + "\r\n"},
        {"SUBMISSION", {hello, login, mail, to, "DATA"}, "Subject: x\r\n\r\nhalf"},
        {"SUBMISSIONS", {}, ""}, {"SUBMISSIONS", {}, client_hello}, {"SUBMISSIONS", {}, "EHLO plain\r\n"}, {"IMAPS", {}, client_hello}, {"POP3S", {}, client_hello},
        {"POP3", {}, ""}, {"POP3", {"USER user1@example.test"}, ""}, {"POP3", {"USER user1@example.test"}, "PASS pass1\r\n"},
        {"POP3", {"USER user1@example.test", "PASS pass1"}, ""}, {"POP3", {"USER user1@example.test", "PASS pass1", "DELE 1"}, ""},
        {"POP3", {"USER user1@example.test", "PASS pass1"}, "RETR 1\r\nRETR 1\r\nRETR 1\r\nRETR 1\r\nRETR 1\r\nRETR 1\r\n"}, {"POP3", {"STLS"}, client_hello},
        {"IMAP", {}, ""}, {"IMAP", {}, "a LOGIN user1@example.te"}, {"IMAP", {}, "a LOGIN {18}\r\nuser1@ex"}, {"IMAP", {}, "a LOGIN user1@example.test pass1\r\n"},
        {"IMAP", {"a STARTTLS"}, client_hello}, {"IMAP", {"a LOGIN user1@example.test pass1"}, ""}, {"IMAP", {"a LOGIN user1@example.test pass1"}, "b SELECT INB"},
        {"IMAP", {"a LOGIN user1@example.test pass1"}, "b APPEND INBOX {100000}\r\nSubject: half a literal\r\n\r\n"},
        {"IMAP", {"a LOGIN user1@example.test pass1"}, "b APPEND INBOX {1000+}\r\nSubject: half a literal\r\n\r\n"},
        {"IMAP", {"a LOGIN user1@example.test pass1"}, "b SELECT INBOX\r\nc FETCH 1:* BODY[]\r\nd FETCH 1:* BODY[]\r\ne IDLE\r\n"},
        {"IMAP", {"a LOGIN user1@example.test pass1"}, "b SELECT INBOX\r\nc IDLE\r\nDO"},
    };
    return all;
}

void break_off(const test::Suite& suite, const Break& scene, bool with_reset)
{
    test::Connection client(suite.port(scene.port));
    if (!scene.port.ends_with("S"))
        client.reply();
    for (const auto& line : scene.lines)
        client.command(line);
    client.write(scene.last);
    if (with_reset)
        client.reset();
}

std::string garbage(std::size_t bytes)
{
    std::minstd_rand random(4711);
    std::string all;
    while (all.size() < bytes)
        all += static_cast<char>(random());
    return all;
}

}  // namespace

TEST_CASE("hundreds of slow clients do not make a good one wait", "[system][hostile]")
{
    auto& suite = shared();
    {
        Crowd crowd(suite);
        check_good_client(suite, cat(slow_clients, " slow clients"));
    }
    check_nothing_is_left(suite);
    check_no_worker_is_busy(suite);
}

TEST_CASE("one address has so many connections and no more, others do not notice", "[system][hostile]")
{
    test::Suite suite(test::Settings{{"smtpd_client_event_limit_exceptions", ""}, {"smtpd_client_connection_rate_limit", "0"}});
    std::vector<test::Connection> clients;
    for (int i = 0; i < 20; ++i)
        clients.push_back(suite.smtp("127.0.0.50"));
    clients.front().talk({{"", "220"}});
    auto refused = suite.smtp("127.0.0.50");
    CHECK(refused.reply().starts_with("421 4.7.0"));
    CHECK(refused.is_closed(5s));
    suite.log_line("warning: Connection concurrency limit exceeded: 21 from .*\\[127\\.0\\.0\\.50\\] for service ");
    suite.smtp("127.0.0.51").talk({{"", "220"}});
    clients.clear();
    REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return connections(suite) == 0; }));
    suite.smtp("127.0.0.50").talk({{"", "220"}});
}

TEST_CASE("a client that breaks off, wherever it is, leaves nothing behind", "[system][hostile]")
{
    auto& suite = shared();
    auto subject = test::unique();
    suite.send(test::message(subject, test::large_body(500000)), {suite.user(1)});
    suite.arrival(1, subject);
    for (bool with_reset : {false, true})
        for (const auto& scene : breaks()) {
            INFO(scene.port << ", after " << join(scene.lines, " | ") << ": " << printable(scene.last.substr(0, 60)));
            CHECK_NOTHROW(break_off(suite, scene, with_reset));
        }
    check_nothing_is_left(suite);
    CHECK(suite.messages(suite.maildir(1)).size() == 1);
    check_good_client(suite);
    check_no_worker_is_busy(suite);
}

TEST_CASE("nonsense gets a clear answer or a closed connection", "[system][hostile]")
{
    test::Suite suite(test::Settings{{"smtpd_timeout", "3s"}, {"imapd_login_timeout", "3s"}, {"pop3d_login_timeout", "3s"}, {"smtpd_starttls_timeout", "3s"},
                                     {"smtpd_error_sleep_time", "0"}, {"smtpd_client_connection_count_limit", "0"}});
    std::vector<test::Flood> floods;
    for (const auto& port : ports)
        for (const auto& bytes : {garbage(200000), std::string(100000, '\0'), std::string(5 << 20, 'x'), test::repeated("\r\n", 50000), test::repeated("\n", 50000),
                                  test::repeated("\r", 50000), test::repeated("a LOGIN {10000000+}\r\n", 1000), test::repeated(std::string("\xff\xfe\0 \r\n", 6), 20000)})
            floods.push_back({port, "", bytes});
    test::run_all(suite, floods);
    for (const auto& flood : floods) {
        INFO(flood.port << ": " << flood.bytes.size() << " bytes: " << printable(flood.bytes.substr(0, 20)) << ", said: " << printable(flood.said.substr(0, 300)));
        CHECK(flood.is_closed);
    }
    check_nothing_is_left(suite);
    check_good_client(suite);
    check_no_worker_is_busy(suite);
}

TEST_CASE("a flood of commands is answered or ends the connection", "[system][hostile]")
{
    auto& suite = shared();
    constexpr int times = 10000;
    const std::string pop3 = "USER user2@example.test\nPASS pass2", imap = "a LOGIN user2@example.test pass2";
    std::vector<test::Flood> floods;
    auto add = [&](const std::string& port, const std::string& first, std::initializer_list<std::string> commands) {
        for (const auto& command : commands)
            floods.push_back({port, first, test::repeated(command + "\r\n", times) + (port == "IMAP" ? "b LOGOUT\r\n" : "QUIT\r\n")});
    };
    add("SMTP", "EHLO sender.example.test", {"NOOP", "RSET", "BAD", "VRFY <user1@example.test>", "MAIL FROM:<a@sender.example.test>\r\nRSET", "RCPT TO:<nobody@example.test>"});
    add("POP3", "", {"BAD", "STAT"});
    add("IMAP", "", {"a BAD", "BAD", "a STARTTLS x", "a SELECT INBOX"});
    add("POP3", pop3, {"BAD"});
    add("IMAP", imap, {"a BAD"});
    auto refused = floods.size();
    // What costs little, or a user may ask, is answered however fast it comes.
    add("POP3", "", {"NOOP", "CAPA", "USER x"});
    add("IMAP", "", {"a NOOP", "a CAPABILITY"});
    add("POP3", pop3, {"NOOP", "STAT"});
    add("IMAP", imap, {"a NOOP"});
    test::run_all(suite, floods);
    for (std::size_t i = 0; i < floods.size(); ++i) {
        const auto& flood = floods[i];
        INFO(flood.port << ": " << flood.bytes.substr(0, 30) << ": " << printable(flood.said.substr(0, 300)));
        auto lines = split(flood.said, '\n');
        auto answers = std::count_if(lines.begin(), lines.end(), [](auto line) { return line.starts_with("+OK") || line.starts_with("a OK"); });
        CHECK(flood.is_closed);
        CHECK((i < refused ? answers < times : answers >= times));
        CHECK(!flood.said.empty());
    }
    check_nothing_is_left(suite);
    check_good_client(suite);
}

TEST_CASE("a header line of ten megabytes is taken or refused clearly", "[system][hostile]")
{
    auto& suite = shared();
    auto client = suite.smtp();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"}, {"RCPT TO:<user3@example.test>", "250"}, {"DATA", "354"}});
    client.write(cat("Subject: ", std::string(10 << 20, 'x'), "\r\n\r\nbody\r\n"));
    auto reply = client.command(".");
    INFO(reply);
    CHECK(reply.starts_with("552 5.3.4"));
    client.talk({{"NOOP", "250"}, {"QUIT", "221"}});
    check_nothing_is_left(suite);
}

// In each dialogue the commands behind STARTTLS must not be obeyed: after the handshake there is one answer to one question.
constexpr std::string_view injection = R"PY(
import os, socket, ssl
e = os.environ
context = ssl.create_default_context(cafile=e["CA_FILE"])
for name, hello, injected, question in (
        ("SMTP", b"EHLO client.test\r\n", b"STARTTLS\r\nEHLO injected.test\r\nMAIL FROM:<injected@example.test>\r\n", b"NOOP\r\n"),
        ("IMAP", b"", b"a STARTTLS\r\nb CAPABILITY\r\nc NOOP\r\n", b"d NOOP\r\n"),
        ("POP3", b"", b"STLS\r\nCAPA\r\nUSER injected\r\n", b"NOOP\r\n")):
    raw = socket.create_connection(("127.0.0.1", int(e[name + "_PORT"])), 10)
    raw.recv(4096)
    if hello:
        raw.sendall(hello)
        while b"250 " not in raw.recv(4096):
            pass
    raw.sendall(injected)
    answer = raw.recv(4096)
    assert answer.count(b"\n") <= 1, answer
    try:
        tls = context.wrap_socket(raw, server_hostname="127.0.0.1")
    except (ssl.SSLError, OSError):
        print(name, "closed")
        continue
    tls.sendall(question)
    tls.settimeout(0.5)
    said = b""
    try:
        while part := tls.recv(4096):
            said += part
    except TimeoutError:
        pass
    assert said.count(b"\n") == 1, said
    print(name, "one answer")
)PY";

TEST_CASE("commands that are injected behind STARTTLS are not obeyed", "[system][hostile]")
{
    auto& suite = shared();
    auto done = suite.run("exec python3 -", injection);
    INFO(done.output);
    CHECK(done.status == 0);
    CHECK_FALSE(suite.has_log_line("from=<injected@"));
    check_nothing_is_left(suite);
}

TEST_CASE("who guesses passwords waits longer and longer, and nobody else does", "[system][hostile]")
{
    auto& suite = shared();
    auto attempt = [&](std::string_view client, const std::string& user, const std::string& password, std::string_view expected) {
        test::Connection server(suite.port("POP3"), "127.0.0.1", client);
        server.talk({{"", "+OK"}, {"USER " + user, "+OK"}});
        auto start = test::Clock::now();
        server.talk({{"PASS " + password, std::string(expected)}});
        return since(start);
    };
    std::vector<std::chrono::milliseconds> times;
    for (int i = 0; i < 5; ++i)
        times.push_back(attempt("127.0.0.60", cat("nobody", i, "@example.test"), "guess", "-ERR"));
    auto other = attempt("127.0.0.61", suite.user(6), "pass6", "+OK");
    CHECK(times[3] > times[0] + 500ms);
    CHECK(times[4] > times[3] + 500ms);
    CHECK(other < 900ms);
}

}  // namespace mta
