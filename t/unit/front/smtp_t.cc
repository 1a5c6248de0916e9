#include "fixture.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/encode.h"

using namespace mta;
using namespace mta::front::test;
using namespace std::string_literals;

namespace {

bool has_option(int socket, int level, int option)
{
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, level, option, &value, &size) == 0 && value != 0;
}

}  // namespace

TEST_CASE("a client is greeted and told what there is", "[front]")
{
    Site site("smtpd", "message_size_limit=1000\nsmtpd_discard_ehlo_keywords=dsn,limits");
    auto client = site.connect();
    CHECK(client.reply() == "220 mail.test ESMTP Buuta");
    CHECK(client.ask("EHLO client.example") ==
          "250-mail.test|250-PIPELINING|250-SIZE 1000|250-VRFY|250-STARTTLS|250-ENHANCEDSTATUSCODES|250 8BITMIME");
    CHECK(client.ask("helo client.example") == "250 mail.test");
    CHECK(client.ask("EHLO") == "501 Syntax: EHLO hostname");
    CHECK(client.ask("NOOP") == "250 2.0.0 Ok");
    CHECK(client.ask("RSET") == "250 2.0.0 Ok");
    CHECK(client.ask("RCPT TO:<a@b>") == "503 5.5.1 Error: need MAIL command");
    CHECK(client.ask("DATA") == "503 5.5.1 Error: need RCPT command");
    CHECK(client.ask("XYZZY") == "502 5.5.2 Error: command not recognized");
    CHECK(client.ask("AUTH PLAIN x") == "538 5.7.11 Encryption required for requested authentication mechanism");
    CHECK(client.ask("STARTTLS now") == "501 5.5.4 Syntax: STARTTLS");
    CHECK(client.ask("QUIT") == "221 2.0.0 Bye");
    CHECK(client.is_closed());
    CHECK(site.logged("]: connect from localhost[127.0.0.1]\n"));
    CHECK(site.logged("disconnect from localhost[127.0.0.1] helo=1 ehlo=1/2 starttls=0/1 auth=0/1 rcpt=0/1 data=0/1 rset=1 noop=1 quit=1 unknown=0/1 commands=5/11\n"));
}

TEST_CASE("a plain session goes to a worker with all that was read, and comes back", "[front]")
{
    Site site("smtpd");
    auto client = site.connect();
    client.reply();
    client.ask("EHLO client.example");
    client.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
    auto work = site.next_work();
    CHECK(work.session.protocol == "smtp");
    CHECK(work.session.client_name == "localhost");
    CHECK(work.session.client_address == "127.0.0.1");
    auto own = net::Endpoint::local_of(client.stream().fd());
    CHECK(work.session.client_port == own.port);
    CHECK(work.session.server_address == "127.0.0.1");
    CHECK(work.session.server_port == site.port());
    CHECK(has_option(work.client.fd(), IPPROTO_TCP, TCP_NODELAY));
    CHECK(has_option(work.client.fd(), SOL_SOCKET, SO_KEEPALIVE));
    CHECK(work.session.helo == "client.example");
    CHECK(work.session.esmtp);
    CHECK(work.session.counters == "ehlo=1");
    CHECK_FALSE(work.session.has_tls());
    CHECK(work.ticket.empty());
    CHECK(work.client.line(5s) == "MAIL FROM:<a@b>");
    CHECK(work.client.line(5s) == "RCPT TO:<c@d>");
    work.client.write("250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n");
    work.client.flush(5s);
    CHECK(client.reply() == "250 2.1.0 Ok");
    CHECK(client.reply() == "250 2.1.5 Ok");
    work.session.counters = "ehlo=1 mail=1 rcpt=1";
    work.session.pending = "NOOP\r\n";
    work.session.errors = 3;
    work.give_back(true);
    CHECK(client.reply() == "250 2.0.0 Ok");
    CHECK(client.ask("RSET") == "250 2.0.0 Ok");
    client.say("MAIL FROM:<again@b>\r\n");
    auto again = site.next_work();
    CHECK(again.client.line(5s) == "MAIL FROM:<again@b>");
    CHECK(again.session.counters == "ehlo=1 mail=1 rcpt=1 rset=1 noop=1");
    CHECK(again.session.errors == 3);
}

TEST_CASE("a session in TLS is fed to the worker through a socketpair", "[front]")
{
    Site site("smtpd");
    auto client = site.connect();
    client.reply();
    client.ask("EHLO before.example");
    CHECK(client.ask("STARTTLS") == "220 2.0.0 Ready to start TLS");
    client.start_tls();
    SECTION("what was said before TLS is forgotten")
    {
        client.say("MAIL FROM:<a@b>\r\n");
        auto work = site.next_work();
        CHECK(work.session.helo.empty());
        CHECK(work.session.tls_protocol == "TLSv1.3");
        CHECK(work.session.tls_cipher == "TLS_AES_256_GCM_SHA384");
        CHECK(work.session.tls_bits == 256);
    }
    SECTION("much goes both ways at the worker's and the client's pace")
    {
        client.ask("EHLO client.example");
        std::string big(2'000'000, 'x');
        client.say("MAIL FROM:<a@b>\r\n");
        auto work = site.next_work();
        CHECK(work.client.line(5s) == "MAIL FROM:<a@b>");
        Child sender([&] { client.say(big); });
        CHECK(work.client.read_exactly(big.size(), 20s) == big);
        Child answer([&] {
            work.client.write(big);
            work.client.flush(20s);
        });
        CHECK(client.stream().read_exactly(big.size(), 20s) == big);
    }
    SECTION("the worker's end is the session's end, with everything before it")
    {
        client.say("MAIL FROM:<a@b>\r\n");
        auto work = site.next_work();
        work.client.write("250 ok\r\n221 bye\r\n");
        work.client.flush(5s);
        work.client.release_fd().reset();
        work.front.release().reset();
        CHECK(client.line() == "250 ok");
        CHECK(client.line() == "221 bye");
        CHECK(client.stream().peek(5s).empty());  // a proper TLS end: else this throws
    }
    SECTION("the client's end reaches the worker")
    {
        client.say("MAIL FROM:<a@b>\r\n");
        auto work = site.next_work();
        CHECK(work.client.line(5s) == "MAIL FROM:<a@b>");
        client.stream().release_fd().reset();
        CHECK(work.client.peek(5s).empty());
    }
    SECTION("nothing that the worker has not read is lost when the session goes back")
    {
        client.say("MAIL FROM:<a@b>\r\n");
        auto work = site.next_work();
        CHECK(work.client.line(5s) == "MAIL FROM:<a@b>");
        work.client.write("250 ok\r\n");
        work.client.flush(5s);
        CHECK(client.line() == "250 ok");
        client.say("NOOP\r\n");
        REQUIRE(work.client.wait_readable(5s));  // it came, but the worker has already decided
        work.session.pending.clear();
        work.give_back(false);
        work.client.release_fd().reset();
        work.front.release().reset();
        CHECK(client.line() == "250 2.0.0 Ok");
        CHECK(client.ask("QUIT") == "221 2.0.0 Bye");
    }
}

TEST_CASE("implicit TLS begins at once", "[front]")
{
    Site site("smtpd", "smtpd_tls_wrappermode=yes\nsmtpd_tls_loglevel=1");
    auto client = site.connect();
    client.start_tls();
    CHECK(client.reply() == "220 mail.test ESMTP Buuta");
    CHECK(client.ask("EHLO x").find("STARTTLS") == std::string::npos);
    CHECK(client.ask("STARTTLS") == "554 5.5.1 Error: TLS already active");
    CHECK(site.logged("Anonymous TLS connection established from localhost[127.0.0.1]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange"));
}

TEST_CASE("what is injected behind STARTTLS is never obeyed", "[front]")
{
    auto forbid = GENERATE("yes"s, "no"s);
    Site site("smtpd", "smtpd_forbid_unauth_pipelining=" + forbid);
    auto client = site.connect();
    client.reply();
    client.ask("EHLO x");
    client.say("STARTTLS\r\nRSET\r\n");
    if (forbid == "yes") {
        CHECK(client.reply() == "554 5.5.0 Error: SMTP protocol synchronization");
        CHECK(client.is_closed());
    } else {
        CHECK(client.reply() == "220 2.0.0 Ready to start TLS");
        client.start_tls();
        CHECK(client.ask("NOOP") == "250 2.0.0 Ok");  // the answer to this, not to RSET
        CHECK(client.ask("XYZZY").starts_with("502"));
    }
    CHECK(site.logged("improper command pipelining after STARTTLS from localhost[127.0.0.1]: RSET"));
}

TEST_CASE("at the level encrypt nothing goes without TLS", "[front]")
{
    Site site("smtpd", "smtpd_tls_security_level=encrypt");
    auto client = site.connect();
    client.reply();
    client.ask("EHLO x");
    CHECK(client.ask("MAIL FROM:<a@b>") == "530 5.7.0 Must issue a STARTTLS command first");
    CHECK(client.ask("VRFY x") == "530 5.7.0 Must issue a STARTTLS command first");
    CHECK(client.ask("NOOP") == "250 2.0.0 Ok");
}

TEST_CASE("a command must be complete in time, however it drips", "[front]")
{
    Site site("smtpd", "smtpd_timeout=1s");
    auto client = site.connect();
    client.reply();
    auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i) {
        try {
            client.say("N");
        } catch (const net::Lost&) {
            break;
        }
        ::usleep(200000);
    }
    CHECK(client.line() == "421 4.4.2 mail.test Error: timeout exceeded");
    CHECK(std::chrono::steady_clock::now() - begin < 20s);
    CHECK(site.logged("timeout after CONNECT from localhost[127.0.0.1]\n"));
    CHECK(site.logged("limit hit: smtpd_timeout source=[127.0.0.1] value=1s\n"));
}

TEST_CASE("long lines are refused whole", "[front]")
{
    Site site("smtpd");
    auto client = site.connect();
    client.reply();
    client.say("EHLO " + std::string(100000, 'x') + "\r\nNOOP\r\n");
    CHECK(client.reply() == "500 5.5.6 Error: line too long");
    CHECK(client.reply() == "250 2.0.0 Ok");
    client.say("NOOP " + std::string(2043, 'x') + "\r\n");
    CHECK(client.reply() == "250 2.0.0 Ok");
    client.say("NOOP " + std::string(2044, 'x') + "\r\n");
    CHECK(client.reply() == "500 5.5.6 Error: line too long");
}

TEST_CASE("who makes too many errors is sent away", "[front]")
{
    Site site("smtpd", "smtpd_hard_error_limit=3\nsmtpd_unknown_command_limit=none");
    auto client = site.connect();
    client.reply();
    CHECK(client.ask("X").starts_with("502"));
    CHECK(client.ask("X").starts_with("502"));
    CHECK(client.ask("X") == "421 4.7.0 mail.test Error: too many errors");
    CHECK(client.is_closed());
    CHECK(site.logged("too many errors after UNKNOWN from localhost[127.0.0.1]\n"));
    CHECK(site.logged("disconnect from localhost[127.0.0.1] unknown=0/3 commands=0/3\n"));
}

TEST_CASE("after some errors the client has to wait", "[front]")
{
    Site site("smtpd", "smtpd_soft_error_limit=1\nsmtpd_error_sleep_time=1s");
    auto client = site.connect();
    client.reply();
    auto begin = std::chrono::steady_clock::now();
    client.say("X\r\nNOOP Y\r\n");
    CHECK(client.reply().starts_with("502"));
    CHECK(client.reply() == "250 2.0.0 Ok");
    CHECK(std::chrono::steady_clock::now() - begin > 900ms);
}

TEST_CASE("junk commands count as errors after a while", "[front]")
{
    Site site("smtpd", "smtpd_junk_command_limit=2\nsmtpd_hard_error_limit=2");
    auto client = site.connect();
    client.reply();
    CHECK(client.ask("NOOP").starts_with("250"));
    CHECK(client.ask("NOOP").starts_with("250"));
    CHECK(client.ask("NOOP").starts_with("250"));
    CHECK(client.ask("NOOP").starts_with("421"));
}

TEST_CASE("a web browser is shown the door", "[front]")
{
    Site site("smtpd");
    auto client = site.connect();
    client.reply();
    client.say("POST / HTTP/1.1\r\nHost: mail.test\r\n\r\nMAIL FROM:<a@b>\r\n");
    CHECK(client.reply().starts_with("221"));
    CHECK(client.is_closed());
    CHECK(site.logged("warning: non-SMTP command from localhost[127.0.0.1]: POST / HTTP/1.1\n"));
}

TEST_CASE("who does not wait for the greeting or the answer to EHLO is out of step", "[front]")
{
    Site site("smtpd");
    auto client = site.connect();
    client.reply();
    client.say("EHLO x\r\nMAIL FROM:<a@b>\r\n");
    CHECK(client.reply() == "554 5.5.0 Error: SMTP protocol synchronization");
    CHECK(site.logged("improper command pipelining after EHLO from localhost[127.0.0.1]: MAIL FROM:<a@b>"));
}

TEST_CASE("one client may have so many connections and no more", "[front]")
{
    Site site("smtpd", "smtpd_client_connection_count_limit=2\nsmtpd_client_connection_rate_limit=0");
    auto one = site.connect();
    one.reply();
    {
        auto two = site.connect();
        two.reply();
        auto three = site.connect();
        CHECK(three.reply() == "421 4.7.0 mail.test Error: too many connections from 127.0.0.1");
        CHECK(three.is_closed());
        CHECK(site.logged("warning: Connection concurrency limit exceeded: 3 from unknown[127.0.0.1] for service service\n"));
        two.ask("QUIT");
        CHECK(two.is_closed());
    }
    CHECK(site.logged("disconnect from"));
    for (int i = 0; i < 100; ++i) {  // the place is free when front has seen the end
        auto next = site.connect();
        if (next.reply().starts_with("220"))
            return;
        ::usleep(10000);
    }
    FAIL("the place of a client that left is not free");
}

TEST_CASE("the connection rate is limited, too", "[front]")
{
    Site site("smtpd", "smtpd_client_connection_rate_limit=2");
    site.connect().reply();
    site.connect().reply();
    CHECK(site.connect().reply().starts_with("421 4.7.0"));
    CHECK(site.logged("warning: Connection rate limit exceeded: 3 from unknown[127.0.0.1] for service service\n"));
}

TEST_CASE("a client that goes away is logged with its last command", "[front]")
{
    Site site("smtpd");
    {
        auto client = site.connect();
        client.reply();
        client.ask("EHLO x");
    }
    CHECK(site.logged("lost connection after EHLO from localhost[127.0.0.1]\n"));
    CHECK(site.logged("disconnect from localhost[127.0.0.1] ehlo=1 commands=1\n"));
}

TEST_CASE("a client that breaks off the handshake is no warning", "[front]")
{
    Site site("smtpd", "smtpd_tls_wrappermode=yes");
    {
        auto client = site.connect();
        client.say("EHLO x\r\n");
        CHECK(client.is_closed());
    }
    CHECK(site.logged("SSL_accept error from localhost[127.0.0.1]: "));
    CHECK(site.logged("lost connection after CONNECT from localhost[127.0.0.1]\n"));
    CHECK(site.log_text().find("warning") == site.log_text().find("warning: authentication service"));
}

namespace {

std::string plain(const std::string& user, const std::string& password) { return base64_encode('\0' + user + '\0' + password); }

}  // namespace

TEST_CASE("a client logs in", "[front]")
{
    Site site("smtpd", "smtpd_tls_auth_only=no\nbroken_sasl_auth_clients=yes", true);
    auto client = site.connect();
    client.reply();
    CHECK(client.ask("AUTH PLAIN x") == "503 5.5.1 Error: send HELO/EHLO first");
    CHECK(client.ask("EHLO x").find("250-AUTH PLAIN LOGIN SCRAM-SHA-256|250-AUTH=PLAIN LOGIN SCRAM-SHA-256|") != std::string::npos);
    CHECK(client.ask("AUTH") == "501 5.5.4 Syntax: AUTH mechanism");
    CHECK(client.ask("AUTH NTLM") == "504 5.5.4 Error: authentication failed: Invalid authentication mechanism");
    CHECK(client.ask("AUTH PLAIN " + plain("anna@example.com", "wrong")) == "535 5.7.8 Error: authentication failed: authentication failure");
    CHECK(site.logged("warning: localhost[127.0.0.1]: SASL PLAIN authentication failed: authentication failure, sasl_username=anna@example.com\n"));
    CHECK(client.ask("AUTH PLAIN " + plain("otto", "secret")) == "535 5.7.8 Error: authentication failed: login is disabled");
    CHECK(client.ask("AUTH PLAIN !") == "501 5.5.2 Error: authentication failed: invalid base64");
    CHECK(client.ask("AUTH LOGIN") == "334 VXNlcm5hbWU6");
    CHECK(client.ask("*") == "501 5.7.0 Authentication aborted");
    CHECK(site.logged("warning: localhost[127.0.0.1]: SASL LOGIN authentication aborted\n"));
    CHECK(client.ask("AUTH PLAIN") == "334 ");
    CHECK(client.ask(plain("Anna@example.com", "secret")) == "235 2.7.0 Authentication successful");
    CHECK(client.ask("AUTH PLAIN x") == "503 5.5.1 Error: already authenticated");
    client.say("MAIL FROM:<a@b>\r\n");
    auto work = site.next_work();
    CHECK(work.session.sasl_method == "PLAIN");
    CHECK(work.session.sasl_username == "anna@example.com");
    CHECK(work.ticket.empty());
}

TEST_CASE("logging in twice at a time is not possible by sending on", "[front]")
{
    Site site("smtpd", "smtpd_tls_auth_only=no", true);
    auto client = site.connect();
    client.reply();
    client.ask("EHLO x");
    client.say("AUTH LOGIN\r\n");
    CHECK(client.reply() == "334 VXNlcm5hbWU6");
    client.say(base64_encode("anna@example.com") + "\r\n" + base64_encode("secret") + "\r\nNOOP\r\n");
    CHECK(client.reply() == "334 UGFzc3dvcmQ6");
    CHECK(client.reply() == "235 2.7.0 Authentication successful");
    CHECK(client.reply() == "250 2.0.0 Ok");
}

TEST_CASE("a client hears the end of what front says at once, not only when front gives up on the client's own end", "[front]")
{
    Site site("smtpd");
    auto client = site.connect();
    client.reply();
    CHECK(client.ask("QUIT") == "221 2.0.0 Bye");
    auto began = std::chrono::steady_clock::now();
    CHECK(client.is_closed());
    CHECK(std::chrono::steady_clock::now() - began < 3s);  // front waits five
}

TEST_CASE("without auth a login fails for now", "[front]")
{
    Site site("smtpd", "smtpd_tls_auth_only=no");
    auto client = site.connect();
    client.reply();
    client.ask("EHLO x");
    {
        auto listener = net::listen_unix(site.path("auth"), 0600);
        client.say("AUTH PLAIN " + plain("anna@example.com", "secret") + "\r\n");
        Fd(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
        Fd again(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(again);
        std::string greeting = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n";
        REQUIRE(write_all(again.get(), greeting));
        std::string heard;
        char bytes[1000];
        while (heard.find("AUTH\t") == std::string::npos)
            heard.append(bytes, static_cast<std::size_t>(std::max<ssize_t>(::read(again.get(), bytes, sizeof bytes), 0)));
        CHECK(heard.find("\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=127.0.0.1\tresp=") != std::string::npos);
    }
    CHECK(client.reply() == "454 4.7.0 Temporary authentication failure: Connection lost to authentication server");
}
