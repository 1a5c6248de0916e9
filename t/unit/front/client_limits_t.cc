#include "fixture.h"

#include "base/encode.h"

using namespace mta;
using namespace mta::front::test;

TEST_CASE("the connections of a network are limited", "[front][limits]")
{
    Site site("smtpd", "smtpd_client_network_connection_count_limit=2");
    auto one = site.connect(), two = site.connect();
    CHECK(one.reply().starts_with("220"));
    CHECK(two.reply().starts_with("220"));
    CHECK(site.connect().reply() == "421 4.7.0 mail.test Error: too many connections from the network of 127.0.0.1");
    CHECK(site.logged("warning: limit hit: smtpd_client_network_connection_count_limit source=[127.0.0.1] value=3\n"));
}

TEST_CASE("the connections of all clients are limited", "[front][limits]")
{
    Site site("pop3d", "pop3d_client_connection_total_limit=2");
    auto one = site.connect(), two = site.connect();
    CHECK(one.line().starts_with("+OK"));
    CHECK(two.line().starts_with("+OK"));
    CHECK(site.connect().line() == "-ERR [SYS/TEMP] too many connections");
    CHECK(site.logged("warning: limit hit: pop3d_client_connection_total_limit source=[127.0.0.1] value=3\n"));
    CHECK(one.ask_line("QUIT").starts_with("+OK"));
}

TEST_CASE("the last places are for clients that have logged in", "[front][limits]")
{
    Site site("smtpd", "smtpd_client_connection_total_limit=4\nsmtpd_client_connection_reserve=50\nsmtpd_tls_auth_only=no", true);
    auto one = site.connect(), two = site.connect();
    one.reply();
    two.reply();
    CHECK(site.connect().reply() == "421 4.3.2 mail.test Error: too many connections");
    CHECK(site.logged("warning: limit hit: smtpd_client_connection_reserve source=[127.0.0.1] value=3\n"));
    one.ask("EHLO x");
    CHECK(one.ask("AUTH PLAIN " + base64_encode(std::string("\0anna@example.com\0secret", 24))) == "235 2.7.0 Authentication successful");
    auto three = site.connect(), four = site.connect("127.0.0.2"), five = site.connect();
    CHECK(three.reply().starts_with("220"));
    CHECK(four.reply() == "421 4.3.2 mail.test Error: too many connections");
    CHECK(five.reply().starts_with("220"));
    CHECK(site.connect().reply() == "421 4.3.2 mail.test Error: too many connections");
    CHECK(site.logged("warning: limit hit: smtpd_client_connection_total_limit source=[127.0.0.1] value=5\n"));
}

TEST_CASE("the last places are for clients whose mail was accepted", "[front][limits]")
{
    auto ends_in_worker = GENERATE(true, false);
    Site site("smtpd", "smtpd_client_connection_total_limit=2\nsmtpd_client_connection_reserve=50");
    auto is_taken = [&](std::string_view from) { return site.connect(from).reply().starts_with("220"); };
    auto client = site.connect();
    client.reply();
    client.say("MAIL FROM:<a@b>\r\n");
    auto work = site.next_work();
    CHECK_FALSE(is_taken("127.0.0.1"));
    if (ends_in_worker)
        work.front.send(ipc::pack(service::Merit{1}));
    work.session.counters = "mail=1 rcpt=1 data=1";
    if (!ends_in_worker)
        work.give_back(true);
    bool is_known = false;
    for (int i = 0; i < 1000 && !is_known; ++i)  // until front has read what its worker says
        is_known = is_taken("127.0.0.1");
    CHECK(is_known);
    CHECK_FALSE(is_taken("127.0.0.2"));
}

TEST_CASE("connections that come too fast are refused, and the log stays short", "[front][limits]")
{
    Site site("smtpd", "smtpd_client_connection_burst_limit=2");
    for (int i = 0; i < 2; ++i)
        CHECK(site.connect().reply().starts_with("220"));
    int refused = 0;
    for (int i = 0; i < 10; ++i)
        refused += site.connect().reply() == "421 4.7.0 mail.test Error: too many connections from 127.0.0.1";
    CHECK(refused >= 1);  // on a slow machine some come at their rate
    CHECK(site.logged("warning: limit hit: smtpd_client_connection_burst_limit source=[127.0.0.1] value="));
    auto log = site.log_text();
    auto lines = split(log, '\n');  // one at once, and one with a number when a minute is over
    CHECK(std::count_if(lines.begin(), lines.end(), [](auto line) { return line.find("limit hit: smtpd_client_connection_burst_limit") != std::string::npos; }) <= 2);
}

TEST_CASE("who tries commands until one works is sent away", "[front][limits]")
{
    Site site("smtpd", "smtpd_unknown_command_limit=3");
    auto client = site.connect();
    client.reply();
    CHECK(client.ask("XYZZY") == "502 5.5.2 Error: command not recognized");
    CHECK(client.ask("NOOP") == "250 2.0.0 Ok");
    CHECK(client.ask("PLUGH") == "502 5.5.2 Error: command not recognized");
    CHECK(client.ask("FROTZ") == "421 4.7.0 mail.test Error: too many unknown commands");
    CHECK(client.is_closed());
    CHECK(site.logged("warning: limit hit: smtpd_unknown_command_limit source=[127.0.0.1] value=3\n"));
}

TEST_CASE("a login may be longer than other commands", "[front][limits]")
{
    Site site("smtpd", "smtpd_tls_auth_only=no", true);
    auto client = site.connect();
    client.reply();
    client.ask("EHLO client.example");
    auto line = [](std::size_t bytes) { return cat("AUTH PLAIN ", std::string(bytes - 11, 'A')); };
    CHECK(client.ask(line(12288)).find("authentication failed") != std::string::npos);
    CHECK(client.ask(line(12289)) == "500 5.5.6 Error: line too long");
    CHECK(client.ask("NOOP " + std::string(2044, 'x')) == "500 5.5.6 Error: line too long");
    CHECK(site.logged("warning: limit hit: line_length_limit source=[127.0.0.1] value=>2048\n"));
}

TEST_CASE("before login there may be some errors and no more", "[front][limits]")
{
    Site site("imapd", "imapd_login_error_limit=3\nimapd_login_unknown_command_limit=2");
    SECTION("of the syntax")
    {
        auto client = site.connect();
        client.line();
        CHECK(client.ask_line("a") == "a BAD Error in IMAP command received by server.");
        CHECK(client.ask_line("b NOOP") == "b OK NOOP completed.");
        CHECK(client.ask_line("c") == "c BAD Error in IMAP command received by server.");
        CHECK(client.ask_line("d") == "d BAD Error in IMAP command received by server.");
        CHECK(client.line() == "* BYE Too many invalid IMAP commands.");
        CHECK(client.is_closed());
        CHECK(site.logged("warning: limit hit: imapd_login_error_limit source=[127.0.0.1] value=3\n"));
    }
    SECTION("by commands that we do not know")
    {
        auto client = site.connect();
        client.line();
        CHECK(client.ask_line("a XYZZY").starts_with("a BAD"));
        CHECK(client.ask_line("b PLUGH").starts_with("b BAD"));
        CHECK(client.line() == "* BYE Too many invalid IMAP commands.");
        CHECK(site.logged("warning: limit hit: imapd_login_unknown_command_limit source=[127.0.0.1] value=2\n"));
    }
}

TEST_CASE("a client that has filled its memory is sent away", "[front][limits]")
{
    constexpr std::size_t literal = 4000;
    Site site("imapd", "client_memory_limit=4200");
    auto client = site.connect();
    client.line();
    client.say(cat("a LOGIN {", literal, "+}\r\n", std::string(literal, 'x'), " {4+}\r\n"));
    client.say("1234\r\n");
    CHECK(client.line().starts_with("a NO [PRIVACYREQUIRED]"));
    client.say(cat("a LOGIN {", literal, "+}\r\n", std::string(literal, 'x'), " {", literal, "+}\r\n", std::string(1000, 'y')));
    CHECK(client.line() == "* BYE [UNAVAILABLE] too much to keep for this client");
    CHECK(client.is_closed());
    CHECK(site.logged("warning: limit hit: client_memory_limit source=[127.0.0.1] value="));
}
