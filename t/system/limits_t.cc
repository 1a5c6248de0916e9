#include <catch2/catch.hpp>

#include <fstream>

#include "base/text.h"
#include "sandbox/sandbox.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

using namespace mta;

namespace {

constexpr std::size_t mib = 1u << 20;

// The highest memory of the processes of a program, in KiB.
long peak_kib(const test::Suite& suite, const std::string& program)
{
    long highest = 0;
    for (auto process : suite.daemons(program)) {
        std::ifstream status(cat("/proc/", process, "/status"));
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("VmHWM:"))
                highest = std::max(highest, parse_number<long>(split_words(line, " \t").at(1)).value_or(0));
    }
    return highest;
}

// What is said to a message.
std::string send(test::Connection& client, std::string_view message)
{
    client.talk({{"MAIL FROM:<a@sender.example.test>", "250"}, {"RCPT TO:<user7@example.test>", "250"}, {"DATA", "354"}});
    client.write(message);
    return client.command(message.ends_with("\r\n") ? "." : "\r\n.");
}

std::string with_line(std::size_t bytes) { return cat("Subject: a long line\r\n\r\n", std::string(bytes, 'x'), "\r\n"); }
std::string with_field(std::size_t bytes) { return cat("X: ", std::string(bytes - 4, 'x'), "\r\n\r\nbody\r\n"); }  // LF for CRLF

std::string with_fields(std::size_t count)
{
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text += "A: b\r\n";
    return text + "\r\nbody\r\n";
}

}  // namespace

TEST_CASE("what a message may have passes whole, one more is refused and costs no memory", "[system][limits]")
{
    test::Suite suite;
    auto client = suite.smtp();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}});
    auto begin = std::max(peak_kib(suite, "smtpd"), peak_kib(suite, "cleanup"));
    for (auto bytes : {mib - 1, mib})
        CHECK(send(client, with_line(bytes)).starts_with("250 2.0.0"));
    CHECK(send(client, with_line(mib + 1)).starts_with("554 5.6.0"));
    CHECK(send(client, with_line(8 * mib)).starts_with("554 5.6.0"));
    // Fields of ours come on top.
    CHECK(send(client, with_field(65536)).starts_with("250 2.0.0"));
    CHECK(send(client, with_field(65537)).starts_with("552 5.3.4"));
    CHECK(send(client, with_fields(999)).starts_with("250 2.0.0"));
    CHECK(send(client, with_fields(1000)).starts_with("554 5.6.0"));
    CHECK(send(client, cat(std::string(9 * mib, 'x'), "\r\n")).starts_with("55"));  // no header has an end
    client.talk({{"QUIT", "221"}});
    auto end = std::max(peak_kib(suite, "smtpd"), peak_kib(suite, "cleanup"));
    INFO(begin << " KiB before, " << end << " KiB after");
    CHECK(end < 64 * 1024);
    if (!sandbox::is_sanitized)  // else what is freed is kept
        CHECK(end - begin < 12 * 1024);
    suite.log_line("not accepted: Message has a line of more than 1048576 bytes");
    REQUIRE(test::wait_for(suite.maildir(7) + "/new", [&] { return suite.messages(suite.maildir(7)).size() == 4; }));
}

TEST_CASE("a stranger hears of its limits, and of none that it does not have", "[system][limits]")
{
    test::Suite suite(test::Settings{{"smtpd_anonymous_session_message_limit", "100"}, {"smtpd_session_message_limit", "none"},
                                     {"smtpd_anonymous_recipient_limit", "100"}});
    auto stranger = suite.smtp();
    stranger.talk({{"", "220"}});
    CHECK(stranger.command("EHLO sender.example.test").find("LIMITS MAILMAX=100 RCPTMAX=100\n") != std::string::npos);
    auto user = suite.submission();
    CHECK(user.command("EHLO sender.example.test").find("LIMITS RCPTMAX=1000\n") != std::string::npos);
}

TEST_CASE("buuta status says how often limits were hit, by all processes together", "[system][limits]")
{
    test::Suite suite(test::Settings{{"smtpd_anonymous_session_message_limit", "1"}});
    CHECK(suite.tool("buuta status").output.find("limits that were hit") == std::string::npos);
    auto hit = [&] {
        auto client = suite.smtp();
        client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {std::string(3000, 'x'), "500 5.5.6"}});
        CHECK(send(client, test::message("one of one")).starts_with("250 2.0.0"));
        CHECK(client.command("MAIL FROM:<a@sender.example.test>").starts_with("421 4.7.0"));
    };
    hit();
    suite.reload();
    hit();
    auto status = suite.tool("buuta status");
    CHECK(status.status == 0);
    INFO(status.output);
    CHECK(status.output.find("limits that were hit since the start:\nline_length_limit 2\nsmtpd_anonymous_session_message_limit 2\n") != std::string::npos);
}

TEST_CASE("silence after the login is counted as a hit of its limit", "[system][limits]")
{
    test::Suite suite(test::Settings{{"imapd_timeout", "1s"}, {"pop3d_timeout", "1s"}});
    test::Connection imap(suite.port("IMAP")), pop3(suite.port("POP3"));
    imap.line();
    CHECK(imap.imap("LOGIN user8@example.test pass8").find("a1 OK") != std::string::npos);
    pop3.line();
    CHECK(pop3.command("USER user7@example.test").starts_with("+OK"));
    CHECK(pop3.command("PASS pass7").starts_with("+OK"));
    CHECK(imap.line().starts_with("* BYE"));
    CHECK(pop3.line().starts_with("-ERR"));
    auto status = suite.tool("buuta status");
    INFO(status.output);
    CHECK(status.output.find("imapd_timeout 1\npop3d_timeout 1\n") != std::string::npos);
    CHECK_FALSE(suite.has_log_line("limit hit: "));
}

TEST_CASE("a stranger's session ends after a hundred mails, with 421, and the next one goes on", "[system][limits]")
{
    test::Suite suite(test::Settings{{"smtpd_anonymous_session_message_limit", "3"}});
    auto client = suite.smtp();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}});
    for (int i = 0; i < 3; ++i)
        CHECK(send(client, test::message("one of many")).starts_with("250 2.0.0"));
    CHECK(client.command("MAIL FROM:<a@sender.example.test>").starts_with("421 4.7.0"));
    suite.log_line("warning: limit hit: smtpd_anonymous_session_message_limit source=\\[127\\.0\\.0\\.1\\] value=4$");
    auto next = suite.smtp();
    next.talk({{"", "220"}, {"EHLO sender.example.test", "250"}});
    CHECK(send(next, test::message("one more")).starts_with("250 2.0.0"));
}
