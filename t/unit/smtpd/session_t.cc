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

TEST_CASE("commands out of order and with bad arguments are refused", "[smtpd]")
{
    Talk talk("smtpd_hard_error_limit = 20\n");
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

TEST_CASE("a bare LF in a command is refused", "[smtpd]")
{
    Talk talk;
    talk.send("NOOP\n");
    CHECK(talk.reply() == "550 5.5.2 Error: bare <LF> received");
    CHECK(talk.say("NOOP") == "250 2.0.0 Ok");
}

TEST_CASE("too many errors end the session", "[smtpd]")
{
    Talk talk("smtpd_hard_error_limit = 3\nsmtpd_unknown_command_limit = none\n");
    CHECK(talk.say("FOO").starts_with("502"));
    CHECK(talk.say("FOO").starts_with("502"));
    CHECK(talk.say("FOO").starts_with("502"));
    CHECK(talk.reply() == "421 4.7.0 mx.here.example Error: too many errors");
    CHECK(talk.reply() == "<end>");
    auto log = talk.log();
    CHECK(contains(log, "]: too many errors after UNKNOWN from client.example[198.51.100.7]\n"));
    CHECK(contains(log, "disconnect from client.example[198.51.100.7] ehlo=1 unknown=0/3 commands=1/4\n"));
}

TEST_CASE("errors that front has counted count", "[smtpd]")
{
    auto facts = stranger();
    facts.errors = 9;
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

TEST_CASE("transactions that are given up are junk, too, and a mail makes up for them", "[smtpd]")
{
    Talk talk("smtpd_junk_command_limit = 5\nsmtpd_hard_error_limit = 3\n");
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 7; ++i) {
            CHECK(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
            CHECK(talk.say("RSET") == "250 2.0.0 Ok");
        }
        begin(talk);
        CHECK(send_message(talk, "Subject: x\r\n\r\n.\r\n").starts_with("250 "));
    }
    for (int i = 0; i < 8; ++i) {
        CHECK(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
        CHECK(talk.say("RSET") == "250 2.0.0 Ok");
    }
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

TEST_CASE("a silent client in a transaction meets the time limit", "[smtpd]")
{
    Talk talk("smtpd_timeout = 1s\n");
    begin(talk);
    CHECK(talk.reply() == "421 4.4.2 mx.here.example Error: timeout exceeded");
    CHECK(contains(talk.log(), ": timeout after RCPT from client.example[198.51.100.7]\n"));
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

TEST_CASE("a client that is silent within a mail while the server stops is told so; a message is received to its end", "[smtpd]")
{
    auto stop = [](int, net::Transport::Deadline) -> bool { throw net::Lost(net::Lost::Kind::stopped, "stop"); };
    Talk talk("", stranger(), stop);
    begin(talk);
    CHECK(talk.say("DATA").starts_with("354"));
    CHECK(talk.is_silent(std::chrono::milliseconds(1500)));
    CHECK(talk.say("x\r\n.").starts_with("250"));
    CHECK(talk.say("MAIL FROM:<a@client.example>").starts_with("250"));
    CHECK(talk.reply() == "421 4.3.2 mx.here.example Error: the server stops");
    talk.join();
    CHECK_FALSE(talk.is_back);
    CHECK(contains(talk.log(), "server stopped after MAIL from client.example[198.51.100.7]"));
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

TEST_CASE("the dialogue with the peers of debug_peer_list is in the log", "[smtpd]")
{
    for (std::string peers : {"198.51.100.0/24", "client.example", "example", "", "192.0.2.1"}) {
        Talk talk("debug_peer_list = " + peers + "\n");
        REQUIRE(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
        REQUIRE(talk.say("NONSENSE").substr(0, 3) == "502");
        auto log = talk.log();
        INFO(peers << ": " << log);
        bool is_listed = !peers.empty() && peers != "192.0.2.1";
        for (std::string line : {"< client.example[198.51.100.7]: MAIL FROM:<a@client.example>\n", "> client.example[198.51.100.7]: 250 2.1.0 Ok\n",
                                 "< client.example[198.51.100.7]: NONSENSE\n"})
            CHECK((log.find(line) != std::string::npos) == is_listed);
        CHECK_FALSE(log::verbose());
    }
}

TEST_CASE("a recipient whose transport is error is refused with the reason that stands there", "[smtpd]")
{
    Talk talk("transport_maps = inline:{ {relay.example=error:5.1.2 no longer here} }\n");
    REQUIRE(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
    CHECK(talk.say("RCPT TO:<known@relay.example>") == "550 5.1.2 <known@relay.example>: Recipient address rejected: no longer here");
}

TEST_CASE("smtpd_end_of_data_restrictions are asked when the message is there, and the next mail has its own chance", "[smtpd]")
{
    Talk talk("smtpd_end_of_data_restrictions = warn_if_reject reject_unknown_sender_domain, reject_non_fqdn_sender\n");
    REQUIRE(talk.say("MAIL FROM:<a@client>") == "250 2.1.0 Ok");
    REQUIRE(talk.say("RCPT TO:<user@here.example>") == "250 2.1.5 Ok");
    CHECK(send_message(talk, "Subject: x\r\n\r\ntext\r\n.\r\n") == "504 5.5.2 <a@client>: Sender address rejected: need fully-qualified address");
    CHECK(talk.outlet.sent.empty());
    CHECK(talk.outlet.cancelled == 1);
    begin(talk);
    CHECK(send_message(talk, "Subject: y\r\n\r\ntext\r\n.\r\n").starts_with("250 2.0.0 Ok"));
    CHECK(talk.outlet.sent.size() == 1);
    auto log = talk.log();
    CHECK(contains(log, ": reject: END-OF-MESSAGE from client.example[198.51.100.7]: 504 5.5.2 <a@client>: Sender address rejected: need fully-qualified "
                        "address; from=<a@client> to=<user@here.example> proto=ESMTP helo=<client.example>\n"));
    CHECK(contains(log, ": reject_warning: END-OF-MESSAGE from "));
    Talk closed("smtpd_end_of_data_restrictions = reject\n");
    begin(closed);
    CHECK(send_message(closed, "x\r\n.\r\n") == "554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Access denied");
}

TEST_CASE("what nobody foresaw ends the session without an answer, is logged, and passes on so that the process ends", "[smtpd]")
{
    Talk talk;
    REQUIRE(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
    talk.resolver.is_out_of_memory = true;
    CHECK(talk.say("RCPT TO:<user@here.example>") == "<end>");
    CHECK(contains(talk.log(), ": session with client.example[198.51.100.7]: std::bad_alloc"));
    CHECK(talk.has_escaped);
}
