#include <catch2/catch.hpp>

#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

// What the SMTP server accepts and refuses.
namespace mta {

using namespace std::chrono_literals;

namespace {

const test::Settings refusing{{"smtpd_relay_restrictions", "permit_sasl_authenticated, reject_unauth_destination"}};

}  // namespace

TEST_CASE("the server is no open relay, however the address is written", "[system][smtp]")
{
    auto& suite = test::common_suite();
    for (std::string recipient :
         {"victim@elsewhere.test", "victim%elsewhere.test@mail.example.test", "victim%elsewhere.test@example.test", "elsewhere.test!victim@mail.example.test",
          "@mail.example.test:victim@elsewhere.test", "\"victim@elsewhere.test\"@mail.example.test", "\"victim@elsewhere.test\"",
          "victim@[127.0.0.2]", "victim@[IPv6:::1]", "victim@elsewhere.test@mail.example.test", "elsewhere.test!victim", "victim@",
          "victim@mail.example.test.elsewhere.test", "victim@sub.example.test", "victim%elsewhere.test", "\"victim%elsewhere.test\"@localhost"}) {
        auto client = suite.smtp();
        client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<user1@example.test>", "250"}});
        auto reply = client.command(cat("RCPT TO:<", recipient, ">"));
        INFO(recipient << ": " << reply);
        CHECK(reply.front() == '5');
    }
}

TEST_CASE("mail to users of no class is refused as unknown", "[system][smtp]")
{
    auto& suite = test::common_suite();
    auto client = suite.smtp();
    client.talk({{"", "220"},
                 {"EHLO sender.example.test", "250"},
                 {"MAIL FROM:<a@sender.example.test>", "250 2.1.0"},
                 {"RCPT TO:<nobody-there@example.test>", "550 5.1.1 <nobody-there@example.test>: Recipient address rejected: User unknown in virtual mailbox table"},
                 {"RCPT TO:<nobody-there@mail.example.test>",
                  "550 5.1.1 <nobody-there@mail.example.test>: Recipient address rejected: User unknown in local recipient table"},
                 {"RCPT TO:<user1@example.test>", "250 2.1.5"},
                 {"RCPT TO:<user1+detail@example.test>", "250 2.1.5"},
                 {"RCPT TO:<postmaster@mail.example.test>", "250 2.1.5"},
                 {"RSET", "250 2.0.0"},
                 {"QUIT", "221 2.0.0"}});
    suite.log_line("NOQUEUE: reject: RCPT from .*\\[127\\.0\\.0\\.1\\]: 550 5\\.1\\.1 <nobody-there@example\\.test>: .*; "
                   "from=<a@sender\\.example\\.test> to=<nobody-there@example\\.test> proto=ESMTP helo=<sender\\.example\\.test>$");
    suite.log_line("disconnect from .*\\[127\\.0\\.0\\.1\\] ehlo=1 mail=1 rcpt=3/5 rset=1 quit=1 commands=7/9$");
}

TEST_CASE("the SMTP server refuses commands out of order and of bad syntax", "[system][smtp]")
{
    auto client = test::common_suite().smtp();
    client.talk({{"", "220"},
                 {"MAIL", "501 5.5.4"},
                 {"RCPT TO:<user1@example.test>", "503 5.5.1"},
                 {"DATA", "503 5.5.1"},
                 {"EHLO sender.example.test", "250"},
                 {"MAIL FROM:<a@sender.example.test>", "250"},
                 {"MAIL FROM:<b@sender.example.test>", "503 5.5.1"},
                 {"DATA", "554 5.5.1"},
                 {"RCPT TO:user1 example", "555 5.5.4"},
                 {"NONSENSE", "50"},
                 {"NOOP", "250 2.0.0"},
                 {"RSET", "250"},
                 {"QUIT", "221"}});
}

TEST_CASE("a message above the limit is refused when announced and when sent", "[system][smtp]")
{
    test::Suite suite(test::Settings{{"message_size_limit", "50000"}});
    auto client = suite.smtp();
    client.talk({{"", "220"}});
    CHECK(client.command("EHLO sender.example.test").find("SIZE 50000\n") != std::string::npos);
    client.talk({{"MAIL FROM:<a@sender.example.test> SIZE=60000", "552 5.3.4"},
                 {"MAIL FROM:<a@sender.example.test>", "250"},
                 {"RCPT TO:<user1@example.test>", "250"},
                 {"DATA", "354"}});
    client.write(test::message("too large", test::large_body(60000)));
    client.talk({{".", "552 5.3.4"}, {"NOOP", "250"}, {"QUIT", "221"}});
    CHECK(suite.tool("postqueue -p").output == "Mail queue is empty\n");
    CHECK(suite.messages(suite.maildir(1)).empty());
}

TEST_CASE("a message with a bare LF is refused and nothing is smuggled in", "[system][smtp]")
{
    auto& suite = test::common_suite();
    auto subject = test::unique();
    for (std::string end : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r"}) {
        auto client = suite.smtp();
        client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"},
                     {"RCPT TO:<user5@example.test>", "250"}, {"DATA", "354"}});
        client.write(cat("Subject: ", subject, "\r\n\r\nouter", end, "MAIL FROM:<forged@example.test>\r\nRCPT TO:<user5@example.test>\r\nDATA\r\nSubject: ",
                         subject, "\r\n\r\ninner\r\n.\r\n"));
        auto reply = client.reply();
        INFO("end: " << printable(end) << ": " << reply);
        CHECK(reply.front() == '5');
        CHECK(client.is_closed(10s));
    }
    CHECK_FALSE(suite.has_log_line("from=<forged@"));
    CHECK_FALSE(suite.has_log_line("to=<user5@example\\.test>, relay=virtual"));
}

TEST_CASE("a message that has been through too many hosts is refused", "[system][smtp]")
{
    auto client = test::common_suite().smtp();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"}, {"RCPT TO:<user1@example.test>", "250"}, {"DATA", "354"}});
    for (int i = 0; i < 51; ++i)
        client.write(cat("Received: from a", i, ".test by b", i, ".test; Tue, 03 Mar 2026 10:15:42 +0000\r\n"));
    client.write(test::message("a loop"));
    client.talk({{".", "554 5.4.0 Error: too many hops"}, {"QUIT", "221"}});
}

TEST_CASE("a whole transaction may come in one packet", "[system][smtp]")
{
    auto& suite = test::common_suite();
    auto client = suite.smtp();
    auto one = test::unique(), two = test::unique();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}});
    client.write("MAIL FROM:<a@sender.example.test>\r\nRCPT TO:<user6@example.test>\r\nRCPT TO:<missing@example.test>\r\nDATA\r\n");
    for (std::string expected : {"250 2.1.0", "250 2.1.5", "550 5.1.1", "354"})
        CHECK(client.reply().rfind(expected, 0) == 0);
    client.write(cat(test::message(one), ".\r\nMAIL FROM:<a@sender.example.test>\r\nRCPT TO:<user6@example.test>\r\nDATA\r\n"));
    for (std::string expected : {"250 2.0.0", "250 2.1.0", "250 2.1.5", "354"})
        CHECK(client.reply().rfind(expected, 0) == 0);
    client.write(cat(test::message(two), ".\r\nQUIT\r\n"));
    for (std::string expected : {"250 2.0.0", "221 2.0.0"})
        CHECK(client.reply().rfind(expected, 0) == 0);
    suite.arrival(6, one);
    suite.arrival(6, two);
}

TEST_CASE("one mail goes to many recipients, and the one above the limit is deferred", "[system][smtp]")
{
    test::Suite suite(test::Settings{{"smtpd_recipient_limit", "20"}, {"recipient_delimiter", "+"}});
    auto client = suite.smtp();
    auto subject = test::unique();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"}});
    for (int i = 0; i < 20; ++i)
        client.talk({{cat("RCPT TO:<user", i % 9 + 1, "+r", i, "@example.test>"), "250"}});
    client.talk({{"RCPT TO:<user1+more@example.test>", "452 4.5.3"}, {"DATA", "354"}});
    client.write(test::message(subject));
    client.talk({{".", "250"}, {"QUIT", "221"}});
    suite.log_line(": removed$");
    std::size_t count = 0;
    for (int i = 1; i <= 9; ++i)
        count += suite.messages(suite.maildir(i)).size();
    CHECK(count == 20);
    CHECK(suite.log_lines("status=sent \\(delivered to maildir\\)").size() == 20);
}

TEST_CASE("pflogsumm counts what came and went", "[system][log]")
{
    test::Suite suite(refusing);
    for (int i = 0; i < 3; ++i)
        suite.send(test::message(cat("message ", i)), {"user1@example.test", "user2@example.test"});
    auto client = suite.smtp();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"}, {"RCPT TO:<x@elsewhere.test>", "5"}});
    REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return suite.log_lines(": removed$").size() == 3; }));
    auto report = suite.run("pflogsumm $LOG_FILE");
    INFO(report.output);
    CHECK(report.output.find("      3   received\n      6   delivered\n      0   forwarded\n      0   deferred\n      0   bounced\n      1   rejected") !=
          std::string::npos);
    auto filter = suite.run("fail2ban-regex $LOG_FILE 'postfix[mode=normal]'");
    INFO(filter.output);
    CHECK(filter.output.find(" 1 matched") != std::string::npos);
}

TEST_CASE("fail2ban sees clients that break the rules or come only to look", "[system][log]")
{
    test::Suite suite(test::Settings{{"smtpd_hard_error_limit", "3"}, {"smtpd_error_sleep_time", "0"}});
    struct Case {
        std::string mode, line;
        std::vector<std::string> commands;
    };
    for (const auto& [mode, line, commands] : {Case{"ddos", "lost connection after CONNECT from ", {}},
                                               {"ddos", "lost connection after RCPT from ", {"EHLO client.test", "MAIL FROM:<>", "RCPT TO:<user1@example.test>"}},
                                               {"normal", "improper command pipelining after EHLO from ", {"EHLO client.test\r\nNOOP"}},
                                               {"normal", "improper command pipelining after DATA from ",
                                                {"EHLO client.test", "MAIL FROM:<>\r\nRCPT TO:<x@example.test>\r\nDATA\r\nx", "x"}},
                                               {"errors", "too many errors after UNKNOWN from ", {"X", "X", "X"}},
                                               {"errors", "too many errors after RCPT from ",
                                                {"EHLO client.test", "MAIL FROM:<>", "RCPT TO:<x@example.test>", "RCPT TO:<y@example.test>", "RCPT TO:<z@example.test>"}}}) {
        INFO(line);
        {
            auto client = suite.smtp();
            client.reply();
            for (const auto& command : commands)
                client.command(command);
        }
        suite.log_line(line);
    }
    for (std::string mode : {"ddos", "normal", "errors"}) {
        std::string lines = mode == "ddos" ? "lost connection after" : mode == "normal" ? "(improper command pipelining|too many errors) after|reject: RCPT" : "too many errors after";
        auto filter = suite.run(cat("fail2ban-regex $LOG_FILE 'postfix[mode=", mode, "]'")).output;
        INFO(mode << ": " << filter);
        CHECK(filter.find(cat(" ", suite.log_lines(lines).size(), " matched")) != std::string::npos);
    }
}

}  // namespace mta
