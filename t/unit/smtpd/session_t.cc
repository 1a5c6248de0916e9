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

TEST_CASE("commands out of order and with bad arguments are refused", "[smtpd]")
{
    Talk talk;
    CHECK(talk.say("DATA") == "503 5.5.1 Error: need RCPT command");
    CHECK(talk.say("MAIL FROM:<a b@c>") == "501 5.1.7 Bad sender address syntax");
    CHECK(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
    CHECK(talk.say("MAIL FROM:<a@client.example>") == "503 5.5.1 Error: nested MAIL command");
    CHECK(talk.say("RCPT TO:<nobody@here.example>") == "550 5.1.1 <nobody@here.example>: Recipient address rejected: User unknown in local recipient table");
    CHECK(talk.say("DATA") == "554 5.5.1 Error: no valid recipients");
    CHECK(talk.say("RSET x") == "501 5.5.4 Syntax: RSET");
    CHECK(talk.say("RCPT TO:<user@here.example>") == "250 2.1.5 Ok");
    CHECK(talk.say("DATA x") == "501 5.5.4 Syntax: DATA");
    CHECK(talk.say("RSET") == "250 2.0.0 Ok");
    CHECK(talk.say("DATA") == "503 5.5.1 Error: need RCPT command");
    CHECK(talk.say("NOOP anything") == "250 2.0.0 Ok");
    CHECK(talk.say("FOO") == "502 5.5.2 Error: command not recognized");
    CHECK(talk.say("EXPN list") == "502 5.5.1 Error: command not implemented");
    CHECK(talk.say("\x01") == "500 5.5.2 Error: bad syntax");
    CHECK(talk.say("HELP").starts_with("214-2.0.0 Commands: "));
}

TEST_CASE("unknown recipients are refused in every class", "[smtpd]")
{
    Talk talk;
    talk.say("MAIL FROM:<>");
    struct Case { std::string address, reply; };
    for (const auto& c : {
             Case{"user@here.example", "250 2.1.5 Ok"},
             {"user+ext@here.example", "250 2.1.5 Ok"},
             {"user@[192.0.2.25]", "250 2.1.5 Ok"},
             {"box@vbox.example", "250 2.1.5 Ok"},
             {"info@valias.example", "250 2.1.5 Ok"},
             {"known@relay.example", "250 2.1.5 Ok"},
             {"x@here.example", "550 5.1.1 <x@here.example>: Recipient address rejected: User unknown in local recipient table"},
             {"x@vbox.example", "550 5.1.1 <x@vbox.example>: Recipient address rejected: User unknown in virtual mailbox table"},
             {"x@valias.example", "550 5.1.1 <x@valias.example>: Recipient address rejected: User unknown in virtual alias table"},
             {"x@relay.example", "550 5.1.1 <x@relay.example>: Recipient address rejected: User unknown in relay recipient table"},
             {"x@elsewhere.example", "454 4.7.1 <x@elsewhere.example>: Relay access denied"},
         }) {
        CHECK(talk.say(cat("RCPT TO:<", c.address, ">")) == c.reply);
    }
    auto log = talk.log();
    CHECK(contains(log, ": reject: RCPT from client.example[198.51.100.7]: 550 5.1.1 <x@here.example>: Recipient address rejected: User unknown in "
                        "local recipient table; from=<> to=<x@here.example> proto=ESMTP helo=<client.example>\n"));
}

TEST_CASE("the table's name can be kept back, and soft_bounce softens", "[smtpd]")
{
    Talk talk("show_user_unknown_table_name = no\nsoft_bounce = yes\n");
    talk.say("MAIL FROM:<>");
    CHECK(talk.say("RCPT TO:<x@here.example>") == "450 4.1.1 <x@here.example>: Recipient address rejected: User unknown");
}

TEST_CASE("trouble with the resolver is temporary, never unknown user or relay denied", "[smtpd]")
{
    Talk talk;
    talk.say("MAIL FROM:<a@client.example>");
    talk.resolver.trouble = true;
    CHECK(talk.say("RCPT TO:<x@here.example>") == "451 4.3.0 <x@here.example>: Temporary lookup failure");
    CHECK(talk.say("RCPT TO:<postmaster>") == "451 4.3.0 <postmaster>: Temporary lookup failure");
    talk.resolver.trouble = false;
    CHECK(talk.say("RCPT TO:<user@here.example>") == "250 2.1.5 Ok");
}

TEST_CASE("a damaged table is temporary trouble", "[smtpd]")
{
    Talk talk("virtual_alias_maps = fail:broken\n");
    talk.say("MAIL FROM:<a@client.example>");
    CHECK(talk.say("RCPT TO:<user@here.example>") == "451 4.3.0 <user@here.example>: Temporary lookup failure");
    Talk networks("mynetworks = fail:broken\nsmtpd_forbid_bare_newline_exclusions =\n");
    networks.say("MAIL FROM:<a@client.example>");
    CHECK(networks.say("RCPT TO:<user@here.example>") == "451 4.3.0 <198.51.100.7>: Temporary lookup failure");
}

TEST_CASE("one question to the resolver serves a recipient's rules", "[smtpd]")
{
    Talk talk;
    begin(talk);
    CHECK(talk.resolver.questions == 1);
}

TEST_CASE("recipients over the limit are deferred and are no errors", "[smtpd]")
{
    Talk talk("smtpd_recipient_limit = 1\nsmtpd_hard_error_limit = 3\n");
    begin(talk);
    for (int i = 0; i < 10; ++i)
        CHECK(talk.say("RCPT TO:<other@here.example>") == "452 4.5.3 Error: too many recipients");
    CHECK(send_message(talk, "x\r\n.\r\n").starts_with("250"));
    REQUIRE(talk.outlet.sent.size() == 1);
    CHECK(talk.outlet.sent[0].recipients.size() == 1);
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

TEST_CASE("pipelined commands are all answered, in order", "[smtpd]")
{
    Talk talk;
    talk.send("MAIL FROM:<a@client.example>\r\nRCPT TO:<user@here.example>\r\nRCPT TO:<x@here.example>\r\nDATA\r\n");
    CHECK(talk.reply() == "250 2.1.0 Ok");
    CHECK(talk.reply() == "250 2.1.5 Ok");
    CHECK(talk.reply().starts_with("550 5.1.1"));
    CHECK(talk.reply().starts_with("354"));
    talk.send("x\r\n.\r\nRSET\r\nMAIL FROM:<b@client.example>\r\nQUIT\r\n");
    CHECK(talk.reply().starts_with("250 2.0.0 Ok: queued as"));
    CHECK(talk.reply() == "250 2.0.0 Ok");
    CHECK(talk.reply() == "250 2.1.0 Ok");
    CHECK(talk.reply() == "221 2.0.0 Bye");
}

TEST_CASE("who does not wait for the reply to DATA is sent away", "[smtpd]")
{
    Talk talk;
    begin(talk);
    talk.send("DATA\r\nSubject: spam\r\n\r\nx\r\n.\r\n");
    CHECK(talk.reply() == "554 5.5.0 Error: SMTP protocol synchronization");
    CHECK(talk.reply() == "<end>");
    CHECK(talk.outlet.sent.empty());
    CHECK(contains(talk.log(), ": improper command pipelining after DATA from client.example[198.51.100.7]: Subject: spam"));
}

TEST_CASE("a client that said HELO may not pipeline", "[smtpd]")
{
    auto facts = stranger();
    facts.esmtp = false;
    facts.pending = "MAIL FROM:<a@client.example>\r\nRCPT TO:<user@here.example>\r\n";
    Talk talk("", facts);
    CHECK(talk.reply() == "554 5.5.0 Error: SMTP protocol synchronization");
    Talk lenient("smtpd_forbid_unauth_pipelining = no\nsmtpd_data_restrictions = reject_unauth_pipelining\n", facts);
    CHECK(lenient.reply() == "250 2.1.0 Ok");
    CHECK(lenient.reply() == "250 2.1.5 Ok");
    CHECK(lenient.say("DATA") == "503 5.5.0 <DATA>: Data command rejected: Improper use of SMTP command pipelining");
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

TEST_CASE("a bare LF in a command is refused", "[smtpd]")
{
    Talk talk;
    talk.send("NOOP\n");
    CHECK(talk.reply() == "550 5.5.2 Error: bare <LF> received");
    CHECK(talk.say("NOOP") == "250 2.0.0 Ok");
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

TEST_CASE("too many errors end the session", "[smtpd]")
{
    Talk talk("smtpd_hard_error_limit = 3\n");
    CHECK(talk.say("FOO").starts_with("502"));
    CHECK(talk.say("FOO").starts_with("502"));
    CHECK(talk.say("FOO").starts_with("502"));
    CHECK(talk.reply() == "421 4.7.0 mx.here.example Error: too many errors");
    CHECK(talk.reply() == "<end>");
    auto log = talk.log();
    CHECK(contains(log, "NOQUEUE: too many errors after UNKNOWN from client.example[198.51.100.7]\n"));
    CHECK(contains(log, "disconnect from client.example[198.51.100.7] ehlo=1 unknown=0/3 commands=1/4\n"));
}

TEST_CASE("errors that front has counted count", "[smtpd]")
{
    auto facts = stranger();
    facts.errors = 19;
    Talk talk("", facts);
    CHECK(talk.say("FOO").starts_with("502"));
    CHECK(talk.reply().starts_with("421 4.7.0"));
}

TEST_CASE("endless junk commands become errors", "[smtpd]")
{
    Talk talk("smtpd_junk_command_limit = 5\nsmtpd_hard_error_limit = 3\n");
    for (int i = 0; i < 8; ++i)
        CHECK(talk.say("NOOP") == "250 2.0.0 Ok");
    CHECK(talk.reply().starts_with("421 4.7.0"));
}

TEST_CASE("lines that are too long are refused, endless ones end the session", "[smtpd]")
{
    Talk talk;
    CHECK(talk.say(cat("NOOP ", std::string(3000, 'x'))) == "500 5.5.6 Error: line too long");
    CHECK(talk.say("NOOP") == "250 2.0.0 Ok");
    talk.send(std::string(60000, 'x'));
    CHECK(talk.reply() == "421 4.7.0 mx.here.example Error: line too long");
    CHECK(talk.reply() == "<end>");
}

TEST_CASE("lost connections are logged with the place", "[smtpd]")
{
    Talk before;
    before.say("NOOP");
    CHECK(contains(before.log(), "NOQUEUE: lost connection after NOOP from client.example[198.51.100.7]\n"));
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

TEST_CASE("a silent client in a transaction meets the time limit", "[smtpd]")
{
    Talk talk("smtpd_timeout = 1s\n");
    begin(talk);
    CHECK(talk.reply() == "421 4.4.2 mx.here.example Error: timeout exceeded");
    CHECK(contains(talk.log(), ": timeout after RCPT from client.example[198.51.100.7]\n"));
}

TEST_CASE("a message that drips in is no way to hold a worker", "[smtpd]")
{
    Talk talk("smtpd_timeout = 1s\n");
    begin(talk);
    talk.say("DATA");
    auto started = std::chrono::steady_clock::now();
    std::atomic<bool> stop{false};
    std::thread dripper([&] {
        while (!stop) {
            talk.send("x");
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    });
    auto last = talk.reply();
    stop = true;
    dripper.join();
    CHECK(last == "421 4.4.2 mx.here.example Error: timeout exceeded");
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(5));
}

TEST_CASE("a silent client between mails goes back to front", "[smtpd]")
{
    Talk talk("smtpd_worker_idle_time = 20ms\n");
    begin(talk);
    CHECK(send_message(talk, "x\r\n.\r\n").starts_with("250"));
    talk.join();
    REQUIRE(talk.is_back);
    const auto& facts = talk.session->facts();
    CHECK(facts.state == "idle");
    CHECK(facts.pending.empty());
    CHECK(facts.counters == "ehlo=1 mail=1 rcpt=1 data=1");
    CHECK_FALSE(contains(talk.log(), "disconnect from"));
}

TEST_CASE("a worker that shall stop gives the session back", "[smtpd]")
{
    Talk talk;
    begin(talk);
    talk.stopping = true;
    CHECK(send_message(talk, "x\r\n.\r\n").starts_with("250"));
    talk.join();
    CHECK(talk.is_back);
}

TEST_CASE("EHLO, STARTTLS and AUTH go back to front with what came behind them", "[smtpd]")
{
    for (std::string line : {"EHLO again.example\r\n", "helo x\r\n", "STARTTLS\r\n", "AUTH PLAIN AGEAYg==\r\n"}) {
        Talk talk;
        talk.say("NOOP");
        talk.send(line);
        talk.join();
        REQUIRE(talk.is_back);
        CHECK(talk.session->facts().pending == line);
        CHECK(talk.session->facts().counters == "ehlo=1 noop=1");
    }
}

TEST_CASE("AUTH within a mail is refused, EHLO and STARTTLS end the mail", "[smtpd]")
{
    Talk talk;
    begin(talk);
    CHECK(talk.say("AUTH PLAIN") == "503 5.5.1 Error: MAIL transaction in progress");
    talk.send("EHLO x\r\n");
    talk.join();
    CHECK(talk.is_back);
    CHECK(talk.session->facts().pending == "EHLO x\r\n");
}

TEST_CASE("commands sent behind STARTTLS do not survive", "[smtpd]")
{
    Talk talk;
    talk.send("STARTTLS\r\nMAIL FROM:<evil@client.example>\r\n");
    CHECK(talk.reply() == "554 5.5.0 Error: SMTP protocol synchronization");
    CHECK(talk.reply() == "<end>");
}

TEST_CASE("VRFY tells what RCPT would", "[smtpd]")
{
    Talk talk;
    CHECK(talk.say("VRFY user@here.example") == "252 2.0.0 user@here.example");
    CHECK(talk.say("VRFY <user@here.example>") == "252 2.0.0 user@here.example");
    CHECK(talk.say("VRFY nobody@here.example").starts_with("550 5.1.1"));
    CHECK(talk.say("VRFY x@elsewhere.example").starts_with("454 4.7.1"));
    CHECK(talk.say("VRFY") == "501 5.5.4 Syntax: VRFY address");
    CHECK(talk.say("VRFY a b") == "501 5.1.3 Bad recipient address syntax");
    Talk without("disable_vrfy_command = yes\n");
    CHECK(without.say("VRFY user@here.example") == "502 5.5.1 VRFY command is disabled");
}

TEST_CASE("HELO can be required", "[smtpd]")
{
    auto facts = stranger();
    facts.helo.clear();
    Talk talk("smtpd_helo_required = yes\n", facts);
    CHECK(talk.say("MAIL FROM:<>") == "503 5.5.1 Error: send HELO/EHLO first");
}
