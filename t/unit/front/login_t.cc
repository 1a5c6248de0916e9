#include "fixture.h"

#include "base/encode.h"
#include "front/imap.h"

using namespace mta;
using namespace mta::front::test;

namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("an IMAP command is taken apart", "[front]")
{
    auto words = [](std::string_view text) { return front::imap_words(text).value_or(Words{"wrong"}); };
    CHECK(words("a LOGIN anna secret") == Words{"a", "LOGIN", "anna", "secret"});
    CHECK(words("a LOGIN \"an na\" \"se\\\"cr\\\\et\"") == Words{"a", "LOGIN", "an na", "se\"cr\\et"});
    CHECK(words("a LOGIN {4}\r\nanna {6+}\r\nse}ret") == Words{"a", "LOGIN", "anna", "se}ret"});
    CHECK(words("a LOGIN {0}\r\n \"\"") == Words{"a", "LOGIN", "", ""});
    CHECK(words("a ID (\"name\" \"a)b\" \"x\" NIL)") == Words{"a", "ID", "(\"name\" \"a)b\" \"x\" NIL)"});
    for (auto bad : {"a LOGIN \"anna", "a  LOGIN x y", "a LOGIN {9}\r\nanna", "a LOGIN {x}\r\nanna", "a LOGIN x\"y\" {", "a ", "a LOGIN \"a\"b"}) {
        INFO(bad);
        auto got = front::imap_words(bad);
        CHECK((!got || got->size() < 4 || std::string_view(bad).find("x\"y\"") != std::string_view::npos));
    }
    CHECK(words("") == Words{});
}

TEST_CASE("IMAP before login", "[front]")
{
    Site site("imapd", "", true);
    auto client = site.connect();
    CHECK(client.line() == "* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE STARTTLS LOGINDISABLED] Buuta ready.");
    CHECK(client.ask_line("a1 LOGIN anna@example.com secret").starts_with("a1 NO [PRIVACYREQUIRED]"));
    CHECK(client.ask_line("a1 AUTHENTICATE PLAIN").starts_with("a1 NO [PRIVACYREQUIRED]"));
    CHECK(client.ask_line("a2 NOOP") == "a2 OK NOOP completed.");
    CHECK(client.ask_line("a3 SELECT INBOX").starts_with("a3 BAD"));
    CHECK(client.ask_line("* SELECT INBOX").starts_with("* BAD"));
    CHECK(client.ask_line("").starts_with("* BAD"));
    CHECK(client.ask_line("a4 ID NIL") == "* ID (\"name\" \"Buuta\")");
    CHECK(client.line() == "a4 OK ID completed.");
    CHECK(client.ask_line("a5 STARTTLS") == "a5 OK Begin TLS negotiation now.");
    client.start_tls();
    CHECK(client.ask_line("a6 STARTTLS").starts_with("a6 BAD"));
    CHECK(client.ask_line("a7 CAPABILITY") == "* CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-256");
    CHECK(client.line().starts_with("a7 OK"));
    CHECK(client.ask_line("a8 LOGOUT") == "* BYE Logging out");
    CHECK(client.line() == "a8 OK Logout completed.");
    CHECK(client.is_closed());
    CHECK(site.logged("]: imap-login: Disconnected (no auth attempts in 0 secs): user=<>, rip=127.0.0.1, lip=127.0.0.1, TLS\n"));
}

TEST_CASE("an IMAP login makes a session with a ticket that is good once", "[front]")
{
    Site site("imapd", "imapd_tls_auth_only=no", true);
    auto client = site.connect();
    client.line();
    SECTION("LOGIN with literals") { client.say("b1 LOGIN {16+}\r\nanna@example.com {6+}\r\nsecret\r\nb2 SELECT INBOX\r\n"); }
    SECTION("LOGIN with literals that wait")
    {
        CHECK(client.ask_line("b1 LOGIN {16}") == "+ OK");
        CHECK(client.ask_line("anna@example.com {6}") == "+ OK");
        client.say("secret\r\nb2 SELECT INBOX\r\n");
    }
    SECTION("LOGIN with strings") { client.say("b1 LOGIN \"anna@example.com\" secret\r\nb2 SELECT INBOX\r\n"); }
    SECTION("AUTHENTICATE with initial response")
    {
        client.say("b1 AUTHENTICATE PLAIN " + base64_encode(std::string("\0anna@example.com\0secret", 24)) + "\r\nb2 SELECT INBOX\r\n");
    }
    SECTION("AUTHENTICATE step by step")
    {
        CHECK(client.ask_line("b1 AUTHENTICATE LOGIN") == "+ VXNlcm5hbWU6");
        CHECK(client.ask_line(base64_encode("anna@example.com")) == "+ UGFzc3dvcmQ6");
        client.say(base64_encode("secret") + "\r\nb2 SELECT INBOX\r\n");
    }
    CHECK(client.line() == "b1 OK Logged in");
    auto work = site.next_work();
    CHECK(work.session.sasl_username == "anna@example.com");
    CHECK(work.session.tag == "b1");
    CHECK(work.session.ticket == work.ticket);
    CHECK(work.client.line(5s) == "b2 SELECT INBOX");
    CHECK_FALSE(service::redeem(site.path("auth"), "0123", "imap"));
    auto account = service::redeem(site.path("auth"), work.ticket, "imap");
    REQUIRE(account);
    CHECK(account->user == "anna@example.com");
    CHECK(account->owner == "5000:5001");
    CHECK(account->home == "/home/anna");
    CHECK(account->mail == "maildir:/home/anna/Maildir");
    CHECK_FALSE(service::redeem(site.path("auth"), work.ticket, "imap"));
    CHECK(site.logged("]: imap-login: Login: user=<anna@example.com>, method="));
}

TEST_CASE("a ticket for another service is void", "[front]")
{
    Site site("imapd", "imapd_tls_auth_only=no", true);
    auto client = site.connect();
    client.line();
    CHECK(client.ask_line("a LOGIN anna@example.com secret") == "a OK Logged in");
    auto work = site.next_work();
    CHECK_FALSE(service::redeem(site.path("auth"), work.ticket, "pop3"));
    CHECK_FALSE(service::redeem(site.path("auth"), work.ticket, "imap"));
}

TEST_CASE("failed IMAP logins are counted for the log", "[front]")
{
    Site site("imapd", "imapd_tls_auth_only=no", true);
    {
        auto client = site.connect();
        client.line();
        CHECK(client.ask_line("a LOGIN anna@example.com wrong") == "a NO [AUTHENTICATIONFAILED] Authentication failed.");
        CHECK(client.ask_line("b LOGIN otto secret") == "b NO [AUTHENTICATIONFAILED] Authentication failed.");
        CHECK(client.ask_line("c AUTHENTICATE PLAIN !!!") == "c BAD Invalid base64 data.");
        CHECK(client.ask_line("d AUTHENTICATE LOGIN").starts_with("+ "));
        CHECK(client.ask_line("*") == "d BAD Authentication aborted by client.");
    }
    CHECK(site.logged("imap-login: Disconnected (auth failed, 3 attempts in "));
    CHECK(site.logged(" dovecot["));
}

TEST_CASE("IMAP floods are refused", "[front]")
{
    Site site("imapd", "", true);
    auto client = site.connect();
    client.line();
    SECTION("a literal that is too long")
    {
        CHECK(client.ask_line("a LOGIN {99999}") == "a BAD [TOOBIG] Command too long.");
        CHECK(client.ask_line("b NOOP").starts_with("b OK"));
    }
    SECTION("a literal that is too long and does not wait")
    {
        CHECK(client.ask_line("a LOGIN {99999+}").starts_with("* BYE"));
        CHECK(client.is_closed());
    }
    SECTION("a number that does not fit") { CHECK(client.ask_line("a LOGIN {99999999999999999999}").starts_with("a BAD")); }
    SECTION("many literals")
    {
        std::string last;
        for (int i = 0; i < 20 && !last.starts_with("a BAD") && !last.starts_with("* BAD"); ++i) {
            client.say((i == 0 ? "a LOGIN {1000}\r\n" : std::string(1000, 'x') + " {1000}\r\n"));
            last = client.line();
        }
        CHECK(last.find("TOOBIG") != std::string::npos);
    }
    SECTION("a long line")
    {
        client.say(std::string(50000, 'x') + "\r\n");
        CHECK(client.line().starts_with("* BAD [TOOBIG]"));
    }
    SECTION("many errors")
    {
        for (int i = 0; i < 20; ++i)
            client.say("x y\r\n");
        std::string last;
        while (!last.starts_with("* BYE"))
            last = client.line();
        CHECK(client.is_closed());
    }
    SECTION("something behind STARTTLS")
    {
        client.say("a STARTTLS\r\nb LOGIN x y\r\n");
        CHECK(client.line().starts_with("* BYE"));
        CHECK(client.is_closed());
    }
}

TEST_CASE("whoever says nothing is disconnected before login", "[front]")
{
    Site site("imapd", "imapd_login_timeout=1s");
    auto client = site.connect();
    client.line();
    CHECK(client.line() == "* BYE Disconnected for inactivity.");
    CHECK(client.is_closed());
    CHECK(site.logged("limit hit: imapd_login_timeout source=[127.0.0.1] value=1s\n"));
}

TEST_CASE("POP3 before login", "[front]")
{
    Site site("pop3d", "", true);
    auto client = site.connect();
    CHECK(client.line() == "+OK Buuta ready.");
    CHECK(client.ask_line("CAPA") == "+OK");
    std::string capabilities;
    for (auto line = client.line(); line != "."; line = client.line())
        capabilities += line + "|";
    CHECK(capabilities == "CAPA|TOP|UIDL|RESP-CODES|PIPELINING|AUTH-RESP-CODE|STLS|");
    CHECK(client.ask_line("USER anna").starts_with("-ERR [AUTH]"));
    CHECK(client.ask_line("AUTH PLAIN").starts_with("-ERR [AUTH]"));
    CHECK(client.ask_line("PASS x") == "-ERR No username given.");
    CHECK(client.ask_line("STAT") == "-ERR Unknown command.");
    CHECK(client.ask_line("STLS") == "+OK Begin TLS negotiation now.");
    client.start_tls();
    CHECK(client.ask_line("USER anna@example.com") == "+OK");
    CHECK(client.ask_line("PASS wrong") == "-ERR [AUTH] Authentication failed.");
    CHECK(client.ask_line("QUIT") == "+OK Logging out");
    CHECK(client.is_closed());
    CHECK(site.logged("pop3-login: Aborted login (auth failed, 1 attempts in "));
}

TEST_CASE("a POP3 login makes a session with a ticket", "[front]")
{
    Site site("pop3d", "pop3d_tls_auth_only=no", true);
    auto client = site.connect();
    client.line();
    SECTION("USER and PASS")
    {
        CHECK(client.ask_line("user anna@example.com") == "+OK");
        client.say("PASS secret\r\nSTAT\r\n");
    }
    SECTION("AUTH") { client.say("AUTH PLAIN " + base64_encode(std::string("\0anna@example.com\0secret", 24)) + "\r\nSTAT\r\n"); }
    CHECK(client.line() == "+OK Logged in.");
    auto work = site.next_work();
    CHECK(work.client.line(5s) == "STAT");
    auto account = service::redeem(site.path("auth"), work.ticket, "pop3");
    REQUIRE(account);
    CHECK(account->user == "anna@example.com");
}

TEST_CASE("POP3 in pieces that cannot be right", "[front]")
{
    Site site("pop3d", "pop3d_tls_auth_only=no", true);
    auto client = site.connect();
    client.line();
    CHECK(client.ask_line("AUTH") == "+OK");
    CHECK(client.line() == "PLAIN");
    while (client.line() != ".") {
    }
    CHECK(client.ask_line("AUTH X Y Z") == "-ERR Unsupported authentication mechanism.");
    CHECK(client.ask_line(std::string(600, 'x')) == "-ERR Line too long.");
    CHECK(client.ask_line("AUTH LOGIN") == "+ VXNlcm5hbWU6");
    CHECK(client.ask_line("*") == "-ERR Authentication aborted");
    client.say("STLS\r\nQUIT\r\n");
    CHECK(client.line().starts_with("-ERR STLS"));
    CHECK(client.is_closed());
}

TEST_CASE("networks without AUTH are those of smtpd_sasl_exceptions_networks, and nothing else may stand there", "[front]")
{
    for (std::string networks : {"127.0.0.0/8", "192.0.2.0/24, ::1"}) {
        Site site("smtpd", cat("smtpd_tls_auth_only=no\nsmtpd_sasl_exceptions_networks=", networks), true);
        auto client = site.connect();
        client.reply();
        INFO(networks);
        CHECK((client.ask("EHLO client.example").find("AUTH PLAIN") == std::string::npos) == (networks == "127.0.0.0/8"));
    }
    Site bad("smtpd", "smtpd_sasl_exceptions_networks=!127.0.0.1");
    CHECK(bad.logged("fatal: smtpd_sasl_exceptions_networks: \"!127.0.0.1\" is no address or network"));
}

TEST_CASE("words that would have no effect are refused", "[front]")
{
    struct Case { std::string setting, reason; };
    for (const auto& c : {Case{"smtpd_sasl_security_options=noanonymous, mutual_auth", "smtpd_sasl_security_options: \"mutual_auth\": the known options are "},
                          {"smtpd_sasl_tls_security_options=noplain", "smtpd_sasl_tls_security_options: \"noplain\": the known options are "},
                          {"smtpd_forbidden_commands=GET, regexp:/x", "smtpd_forbidden_commands: \"regexp:/x\": only words can be forbidden"}}) {
        Site site("smtpd", c.setting);
        CHECK(site.logged("fatal: " + c.reason));
    }
}
