#include <catch2/catch.hpp>

#include "talk.h"

using namespace mta;
using smtpd_test::stranger;
using smtpd_test::Talk;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

void begin(Talk& talk)
{
    REQUIRE(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
    REQUIRE(talk.say("RCPT TO:<user@here.example>") == "250 2.1.5 Ok");
}

std::string send_message(Talk& talk, std::string_view message)
{
    REQUIRE(talk.say("DATA") == "354 End data with <CR><LF>.<CR><LF>");
    talk.send(message);
    return talk.reply();
}

// Sends the piece ten times a second until there is an answer.
std::string reply_to_endless_message(Talk& talk, const std::string& piece)
{
    REQUIRE(talk.say("DATA").starts_with("354"));
    std::atomic<bool> stop{false};
    std::thread sender([&] {
        while (!stop) {
            talk.send(piece);
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    });
    auto last = talk.reply();
    stop = true;
    sender.join();
    return last;
}

}  // namespace

TEST_CASE("a mail is taken and handed to cleanup", "[smtpd]")
{
    Talk talk;
    CHECK(talk.say("MAIL FROM:<\"a b\"@client.example> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=x+2By") == "250 2.1.0 Ok");
    CHECK(talk.say("RCPT TO:<User@Here.Example> NOTIFY=never ORCPT=rfc822;a@b") == "250 2.1.5 Ok");
    CHECK(talk.say("RCPT TO:<Postmaster>") == "250 2.1.5 Ok");
    auto answer = send_message(talk, "Subject: x\r\n\r\n..dots\r\n.\r\n");
    REQUIRE(answer.starts_with("250 2.0.0 Ok: queued as "));
    auto queue_id = answer.substr(24);
    CHECK(queue_id.size() == 16);
    CHECK(talk.say("QUIT") == "221 2.0.0 Bye");
    CHECK(talk.reply() == "<end>");
    REQUIRE(talk.outlet.sent.size() == 1);
    const auto& sent = talk.outlet.sent.front();
    CHECK(sent.mail.queue_id == queue_id);
    CHECK(sent.mail.reverse_path == "a b@client.example");
    CHECK(sent.mail.origin == "smtp");
    CHECK(sent.mail.body == "8BITMIME");
    CHECK(sent.mail.ret == "HDRS");
    CHECK(sent.mail.envid == "x+2By");
    CHECK(sent.mail.size_hint == 100);
    CHECK(sent.mail.protocol == "ESMTP");
    REQUIRE(sent.recipients.size() == 2);
    CHECK(sent.recipients[0].address == "User@here.example");
    CHECK(sent.recipients[0].orig_address.empty());
    CHECK(sent.recipients[0].notify == "NEVER");
    CHECK(sent.recipients[0].orcpt == "rfc822;a@b");
    CHECK(sent.recipients[1].address == "Postmaster@here.example");
    CHECK(sent.recipients[1].orig_address == "Postmaster");
    CHECK(sent.content.starts_with("Received: from client.example (client.example [198.51.100.7])\n\tby mx.here.example (Buuta) with ESMTP id " + queue_id + "; "));
    CHECK(sent.content.ends_with("\nSubject: x\n\n.dots\n"));
    CHECK(talk.outlet.cancelled == 0);
    auto log = talk.log();
    CHECK(contains(log, queue_id + ": client=client.example[198.51.100.7]\n"));
    CHECK(contains(log, "disconnect from client.example[198.51.100.7] ehlo=1 mail=1 rcpt=2 data=1 quit=1 commands=6\n"));
}

TEST_CASE("several mails on one connection are independent of each other", "[smtpd]")
{
    Talk talk;
    for (int i = 0; i < 3; ++i) {
        begin(talk);
        CHECK(send_message(talk, "x\r\n.\r\n").starts_with("250 2.0.0 Ok: queued as "));
    }
    CHECK(talk.say("RCPT TO:<user@here.example>") == "503 5.5.1 Error: need MAIL command");
    CHECK(talk.say("DATA") == "503 5.5.1 Error: need RCPT command");
    REQUIRE(talk.outlet.sent.size() == 3);
    CHECK(talk.outlet.sent[0].mail.queue_id != talk.outlet.sent[1].mail.queue_id);
    CHECK(talk.outlet.sent[2].recipients.size() == 1);
}

TEST_CASE("size is limited at MAIL and in the message", "[smtpd]")
{
    Talk talk("message_size_limit = 1000\n");
    CHECK(talk.say("MAIL FROM:<a@client.example> SIZE=1001") == "552 5.3.4 Message size exceeds fixed limit");
    begin(talk);
    CHECK(send_message(talk, std::string(999, 'x') + "\r\n.\r\n").starts_with("250"));
    begin(talk);
    CHECK(send_message(talk, std::string(1000, 'x') + "\r\n.\r\n") == "552 5.3.4 Error: message file too big");
    CHECK(talk.outlet.cancelled >= 1);
    CHECK(talk.outlet.sent.size() == 1);
    CHECK(talk.say("NOOP") == "250 2.0.0 Ok");
    begin(talk);
    CHECK(send_message(talk, "x\r\n.\r\n").starts_with("250"));
    auto log = talk.log();
    CHECK(contains(log, "NOQUEUE: reject: MAIL from client.example[198.51.100.7]: 552 5.3.4 Message size exceeds fixed limit; proto=ESMTP helo=<client.example>\n"));
    CHECK(contains(log, ": reject: END-OF-MESSAGE from client.example[198.51.100.7]: 552 5.3.4 Error: message file too big; from=<a@client.example> "
                        "to=<user@here.example> proto=ESMTP helo=<client.example>\n"));
}

TEST_CASE("a full queue defers before anything is accepted", "[smtpd]")
{
    Talk talk("message_size_limit = 1000\nqueue_minfree = 5000\n");
    talk.free_bytes = 4999;
    CHECK(talk.say("MAIL FROM:<a@client.example>") == "452 4.3.1 Insufficient system storage");
    talk.free_bytes = 5001;
    CHECK(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
}

TEST_CASE("cleanup's answer reaches the client", "[smtpd]")
{
    Talk talk;
    begin(talk);
    talk.outlet.answer = {false, "4.3.0", "queue file write error"};
    CHECK(send_message(talk, "x\r\n.\r\n") == "451 4.3.0 Error: queue file write error");
    begin(talk);
    talk.outlet.answer = {false, "5.6.0", "bad header"};
    CHECK(send_message(talk, "x\r\n.\r\n") == "554 5.6.0 Error: bad header");
    begin(talk);
    talk.outlet.answer = {false, "nonsense\r\n250 x", "bad"};
    CHECK(send_message(talk, "x\r\n.\r\n") == "451 4.3.0 Error: bad");
    talk.outlet.is_down = true;
    begin(talk);
    CHECK(talk.say("DATA") == "451 4.3.0 Error: queue file write error");
    talk.outlet.is_down = false;
    talk.outlet.answer = {true, "2.0.0", ""};
    begin(talk);
    CHECK(send_message(talk, "x\r\n.\r\n").starts_with("250"));
    CHECK(talk.outlet.sent.size() == 1);
}

TEST_CASE("a message with too many hops is in a loop", "[smtpd]")
{
    Talk talk("hopcount_limit = 5\n");
    auto message = [](int hops) {
        std::string text;
        for (int i = 0; i < hops; ++i)
            text += i % 2 ? "Received: by a\r\n\tfolded\r\n" : "RECEIVED:by b\r\n";
        return text + "Subject: x\r\n\r\nReceived: in the body\r\nReceived: again\r\n.\r\n";
    };
    begin(talk);
    CHECK(send_message(talk, message(3)).starts_with("250"));
    begin(talk);
    CHECK(send_message(talk, message(4)) == "554 5.4.0 Error: too many hops");
    CHECK(talk.say("NOOP") == "250 2.0.0 Ok");
}

TEST_CASE("bare LF in a message is refused, and the rest of it is no commands", "[smtpd]")
{
    Talk talk;
    begin(talk);
    CHECK(send_message(talk, "one\ntwo\r\n.\r\n") == "550 5.5.2 Error: bare <LF> received");
    begin(talk);
    CHECK(send_message(talk, "one\rtwo\r\n.\r\n") == "550 5.5.2 Error: bare <CR> received");
    begin(talk);
    CHECK(send_message(talk, "x\n.\r\nMAIL FROM:<evil@client.example>\r\nRCPT TO:<user@here.example>\r\nDATA\r\nevil\r\n.\r\n") ==
          "550 5.5.2 Error: bare <LF> received");
    CHECK(talk.reply() == "<end>");
    CHECK(talk.outlet.sent.empty());
}

TEST_CASE("with normalize a bare LF is a line end and never an end of the message", "[smtpd]")
{
    auto smuggle = "x\n.\r\nMAIL FROM:<evil@client.example>\r\n\n.\nend\r\n.\r\n";
    auto trusted = stranger();
    trusted.client_address = "192.0.2.9";
    for (std::string value : {"normalize", "note", "no", "reject"}) {
        Talk talk(cat("smtpd_forbid_bare_newline = ", value), value == "reject" ? trusted : stranger());
        begin(talk);
        CHECK(send_message(talk, smuggle).starts_with("250"));
        REQUIRE(talk.outlet.sent.size() == 1);
        CHECK(talk.outlet.sent[0].content.ends_with("\nx\n\nMAIL FROM:<evil@client.example>\n\n\nend\n"));
        CHECK(contains(talk.log(), ": bare <LF> received after DATA from ") == (value == "note"));
    }
}

TEST_CASE("lost connections are logged with the place", "[smtpd]")
{
    Talk before;
    before.say("NOOP");
    CHECK(contains(before.log(), "]: lost connection after NOOP from client.example[198.51.100.7]\n"));
    Talk within;
    begin(within);
    within.say("DATA");
    within.send("12345678\r\n");
    auto log = within.log();
    CHECK(contains(log, ": lost connection after DATA (9 bytes) from client.example[198.51.100.7]\n"));
    CHECK_FALSE(contains(log, "NOQUEUE: lost"));
    CHECK(within.outlet.sent.empty());
    CHECK(within.outlet.cancelled == 1);
}

TEST_CASE("a message that drips in is no way to hold a worker", "[smtpd]")
{
    auto [settings, address] = GENERATE(Catch::Generators::table<std::string, std::string>({{"smtpd_data_grace_time = 1s\n", "198.51.100.41"},
                                                                         {"smtpd_data_grace_time = none\nsmtpd_timeout = 1s\n", "198.51.100.42"}}));
    auto facts = stranger();
    facts.client_address = address;
    Talk talk(settings, facts);
    begin(talk);
    auto started = std::chrono::steady_clock::now();
    CHECK(reply_to_endless_message(talk, "x") == "421 4.4.2 mx.here.example Error: timeout exceeded");
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(60));
    CHECK(contains(talk.log(), cat("limit hit: smtpd_min_data_rate source=[", address, "] value=")));
}

TEST_CASE("a message that comes fast enough has all the time of smtpd_data_time_limit", "[smtpd][limits]")
{
    auto facts = stranger();
    facts.client_address = "198.51.100.43";
    Talk talk("smtpd_data_grace_time = 1s\nsmtpd_data_time_limit = 3s\n", facts);
    begin(talk);
    CHECK(reply_to_endless_message(talk, std::string(1000, 'x') + "\r\n") == "421 4.4.2 mx.here.example Error: timeout exceeded");
    CHECK(contains(talk.log(), "limit hit: smtpd_data_time_limit source=[198.51.100.43] value=3s"));
}

TEST_CASE("a client that falls silent hits smtpd_timeout, within a message and between commands", "[smtpd][limits]")
{
    auto within = GENERATE(true, false);
    auto facts = stranger();
    facts.client_address = within ? "198.51.100.44" : "198.51.100.45";
    Talk talk("smtpd_min_data_rate = 0\nsmtpd_timeout = 1s\n", facts);
    begin(talk);
    if (within)
        REQUIRE(talk.say("DATA").starts_with("354"));
    CHECK(talk.reply() == "421 4.4.2 mx.here.example Error: timeout exceeded");
    CHECK(contains(talk.log(), cat("limit hit: smtpd_timeout source=[", facts.client_address, "] value=1s")));
}

TEST_CASE("a message has a time in all, however fast it comes", "[smtpd][limits]")
{
    auto facts = stranger();
    facts.client_address = "198.51.100.31";  // of its own: a source has one line a minute in the log
    Talk talk("smtpd_data_time_limit = 1s\n", facts);
    begin(talk);
    auto started = std::chrono::steady_clock::now();
    CHECK(reply_to_endless_message(talk, std::string(1000, 'x') + "\r\n") == "421 4.4.2 mx.here.example Error: timeout exceeded");
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(60));
    CHECK(talk.outlet.cancelled == 1);
    CHECK(talk.outlet.sent.empty());
    auto log = talk.log();
    CHECK(contains(log, "limit hit: smtpd_data_time_limit source=[198.51.100.31] value=1s"));
    CHECK(contains(log, ": timeout after DATA ("));
}

TEST_CASE("without a limit a message may take its time", "[smtpd][limits]")
{
    Talk talk("smtpd_data_time_limit = none\n");
    begin(talk);
    CHECK(send_message(talk, "x\r\n.\r\n").starts_with("250"));
}
