#include <catch2/catch.hpp>

#include <unistd.h>

#include "../front/fixture.h"
#include "auth/penalty.h"
#include "auth/secret.h"
#include "auth/tickets.h"
#include "auth/wire.h"
#include "base/encode.h"

using namespace mta;
using namespace mta::auth;
using namespace std::chrono_literals;

namespace {

// A foreign mail server that uses our auth.
class Foreigner {
public:
    explicit Foreigner(const std::string& path) : stream_(*net::connect_unix(path, 5s)) {}
    void say(const std::string& line)
    {
        stream_.write(line + "\n");
        stream_.flush(5s);
    }
    std::string line() { return stream_.line(10s); }
    std::string ask(const std::string& text)
    {
        say(text);
        return line();
    }
    void greet()
    {
        say("VERSION\t1\t2");
        say("CPID\t4242");
        while (line() != "DONE") {
        }
    }
    bool is_closed() { return stream_.peek(10s).empty(); }

private:
    net::Stream stream_;
};

std::string plain(const std::string& user, const std::string& password) { return base64_encode('\0' + user + '\0' + password); }

struct Daemon {
    front::test::Site site{"smtpd", "", true};
    Foreigner connect() const { return Foreigner(site.path("auth")); }
};

}  // namespace

TEST_CASE("a foreign Postfix is greeted as by Dovecot", "[auth]")
{
    Daemon daemon;
    auto client = daemon.connect();
    CHECK(client.line() == "VERSION\t1\t2");  // Exim hears this before it speaks
    CHECK(client.line() == "MECH\tPLAIN\tplaintext");
    CHECK(client.line() == "MECH\tLOGIN\tplaintext");
    CHECK(client.line() == "MECH\tSCRAM-SHA-256\tmutual-auth");
    CHECK(client.line().starts_with("SPID\t"));
    CHECK(client.line().starts_with("CUID\t"));
    CHECK(client.line().starts_with("COOKIE\t"));
    CHECK(client.line() == "DONE");
    client.say("VERSION\t1\t2");
    client.say("CPID\t4242");
    CHECK(client.ask("AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=192.0.2.1\tsecured\tresp=" + plain("anna@example.com", "secret")) ==
          "OK\t1\tuser=anna@example.com");
    CHECK(client.ask("AUTH\t2\tPLAIN\tservice=smtp\tresp=" + plain("anna@example.com", "wrong")) == "FAIL\t2\tuser=anna@example.com");
    CHECK(client.ask("AUTH\t3\tLOGIN\tservice=smtp") == "CONT\t3\tVXNlcm5hbWU6");
    CHECK(client.ask("CONT\t3\t" + base64_encode("anna@example.com")) == "CONT\t3\tUGFzc3dvcmQ6");
    CHECK(client.ask("CONT\t3\t" + base64_encode("secret")) == "OK\t3\tuser=anna@example.com");
    CHECK(client.ask("AUTH\t4\tPLAIN\tservice=smtp\tresp=" + plain("nobody", "x")) == "FAIL\t4\tuser=nobody");
    CHECK(client.ask("AUTH\t5\tPLAIN\tservice=smtp\tresp=" + plain("otto", "secret")) == "FAIL\t5\tuser=otto\tcode=user_disabled\treason=login is disabled");
    CHECK(client.ask("AUTH\t6\tCRAM-MD5\tservice=smtp") == "FAIL\t6");
    CHECK(client.ask("AUTH\t7\tPLAIN\tservice=smtp\tresp=!!") == "FAIL\t7\tcode=invalid_base64\treason=invalid base64");
    CHECK(client.ask("AUTH\t8\tPLAIN\tservice=smtp\tresp=" + base64_encode("rubbish")) == "FAIL\t8");
    CHECK(client.ask("AUTH\t9") == "FAIL\t9");
}

TEST_CASE("a login for a mailbox comes with a ticket", "[auth]")
{
    Daemon daemon;
    auto client = daemon.connect();
    client.greet();
    auto reply = WireLine::parse(client.ask("AUTH\t1\tPLAIN\tservice=imap\tresp=" + plain("anna@example.com", "secret")));
    CHECK(reply.command == "OK");
    auto ticket = std::string(reply.find("ticket").value_or(""));
    CHECK(ticket.size() == 48);
    CHECK(client.ask("REDEEM\t2\t" + ticket + "\tservice=imap") ==
          "OK\t2\tuser=anna@example.com\tuid=5000\tgid=5001\thome=/home/anna\tmail=maildir:/home/anna/Maildir");
    CHECK(client.ask("REDEEM\t3\t" + ticket + "\tservice=imap") == "FAIL\t3");
    CHECK(client.ask("REDEEM\t4") == "FAIL\t4");
}

TEST_CASE("SCRAM goes through auth, and nobody learns which users there are", "[auth]")
{
    Daemon daemon;
    auto client = daemon.connect();
    client.greet();
    auto challenge = [&](int id, const std::string& user) {
        auto line = WireLine::parse(client.ask(cat("AUTH\t", id, "\tSCRAM-SHA-256\tservice=smtp\tresp=", base64_encode(cat("n,,n=", user, ",r=abc")))));
        CHECK(line.command == "CONT");
        return base64_decode(line.fields.at(0)).value_or("");
    };
    auto one = challenge(1, "anna@example.com"), two = challenge(2, "nobody"), three = challenge(3, "nobody");
    CHECK(one.size() == two.size());
    CHECK(two.substr(two.find(",s=")) == three.substr(three.find(",s=")));
    CHECK(one.substr(one.find(",s=")) != two.substr(two.find(",s=")));
    auto nonce = two.substr(2, two.find(",s=") - 2);
    CHECK(client.ask("CONT\t2\t" + base64_encode(cat("c=biws,r=", nonce, ",p=", base64_encode(std::string(32, 'x'))))) == "FAIL\t2\tuser=nobody");
}

TEST_CASE("a login can be cancelled, and a late answer to it is ignored", "[auth]")
{
    Daemon daemon;
    auto client = daemon.connect();
    client.greet();
    CHECK(client.ask("AUTH\t1\tLOGIN\tservice=smtp").starts_with("CONT\t1"));
    client.say("CANCEL\t1");
    client.say("CONT\t1\tYQ==");
    CHECK(client.ask("AUTH\t1\tLOGIN\tservice=smtp").starts_with("CONT\t1"));
}

TEST_CASE("who does not speak the protocol is disconnected", "[auth]")
{
    Daemon daemon;
    for (const auto& bad : {std::string("AUTH\t1\tPLAIN"), std::string("VERSION\t2\t0"), std::string("hello"), std::string(20000, 'x')}) {
        auto client = daemon.connect();
        while (client.line() != "DONE") {
        }
        client.say(bad);
        CHECK(client.is_closed());
    }
    auto client = daemon.connect();
    client.greet();
    CHECK(client.ask("AUTH\t1\tLOGIN\tservice=smtp").starts_with("CONT"));
    client.say("AUTH\t1\tLOGIN\tservice=smtp");
    CHECK(client.is_closed());
}

TEST_CASE("many logins at once are all answered", "[auth]")
{
    Daemon daemon;
    auto client = daemon.connect();
    client.greet();
    std::string all;
    for (int i = 1; i <= 40; ++i)
        all += cat("AUTH\t", i, "\tPLAIN\tservice=smtp\trip=192.0.2.", i, "\tresp=", plain("anna@example.com", i % 2 ? "secret" : "wrong"), i == 40 ? "" : "\n");
    client.say(all);
    int good = 0, bad = 0;
    for (int i = 1; i <= 40; ++i)
        ++(client.line().starts_with("OK") ? good : bad);
    CHECK(good == 20);
    CHECK(bad == 20);
}

TEST_CASE("fields are escaped on the wire", "[auth]")
{
    std::string field("a\tb\nc\rd\001e\0f", 11);
    CHECK(wire_escape(field) == "a\001tb\001nc\001rd\0011e\0010f");
    CHECK(wire_unescape(wire_escape(field)) == field);
    CHECK(wire_unescape("x\001") == "x\001");
    auto line = WireLine::parse("AUTH\t7\tPLAIN\tservice=smtp\tx\001ty\tsecured");
    CHECK(line.id == 7);
    CHECK(line.find("service") == "smtp");
    CHECK_FALSE(line.find("serv"));
    CHECK(line.has("secured"));
    CHECK(line.fields[2] == "x\ty");
    CHECK(WireLine::parse("DONE").command == "DONE");
    CHECK(WireLine::parse("").command.empty());
    CHECK(WireLine::parse("CONT\tx").id == 0);
}

TEST_CASE("failures make a client and a user wait longer and longer", "[auth]")
{
    Penalty penalty(15s);
    auto now = Penalty::Clock::now();
    auto fail = [&](const std::string& address, const std::string& user, int times) {
        for (int i = 0; i < times; ++i)
            penalty.failed(address, user, now);
    };
    CHECK(penalty.delay("192.0.2.1", "anna", 0, now) == 0s);
    CHECK(penalty.delay("192.0.2.1", "anna", 30, now) == 0s);  // many at once are no crime
    fail("192.0.2.1", "anna", 2);
    CHECK(penalty.delay("192.0.2.1", "anna", 0, now) == 0s);
    CHECK(penalty.delay("192.0.2.1", "anna", 2, now) == 2s);   // unless one has failed
    fail("192.0.2.1", "anna", 1);
    CHECK(penalty.delay("192.0.2.1", "otto", 0, now) == 1s);
    CHECK(penalty.delay("192.0.2.9", "anna", 0, now) == 1s);
    CHECK(penalty.delay("192.0.2.9", "otto", 0, now) == 0s);
    fail("192.0.2.1", "anna", 2);
    CHECK(penalty.delay("192.0.2.1", "anna", 0, now) == 4s);
    fail("192.0.2.1", "anna", 50);
    CHECK(penalty.delay("192.0.2.1", "anna", 0, now) == 15s);
    CHECK(penalty.delay("192.0.2.1", "anna", 0, now + 11min) == 0s);
    fail("2001:db8::1", "eva", 3);
    CHECK(penalty.delay("2001:db8::2", "otto", 0, now) == 1s);
    CHECK(penalty.delay("2001:db8:0:1::2", "otto", 0, now) == 0s);
}

TEST_CASE("nobody can shut out a user where that user has logged in before", "[auth]")
{
    Penalty penalty(15s);
    auto now = Penalty::Clock::now();
    penalty.succeeded("192.0.2.7", "anna", now);
    for (int i = 0; i < 20; ++i)
        penalty.failed("198.51.100.1", "anna", now);
    CHECK(penalty.delay("192.0.2.7", "anna", 0, now) == 0s);
    CHECK(penalty.delay("192.0.2.8", "anna", 0, now) == 15s);
    for (int i = 0; i < 4; ++i)
        penalty.failed("192.0.2.7", "anna", now);
    CHECK(penalty.delay("192.0.2.7", "anna", 0, now) == 2s);
    penalty.succeeded("192.0.2.7", "anna", now);
    CHECK(penalty.delay("192.0.2.7", "anna", 0, now) == 0s);
    CHECK(penalty.delay("192.0.2.7", "anna", 0, now + 25h) == 0s);
}

TEST_CASE("a client's success does not wipe out its failures", "[auth]")
{
    Penalty penalty(15s);
    auto now = Penalty::Clock::now();
    for (int i = 0; i < 10; ++i)
        penalty.failed("192.0.2.1", "anna", now);
    penalty.succeeded("192.0.2.1", "mallory", now);
    CHECK(penalty.delay("192.0.2.1", "otto", 0, now) == 4s);
}

TEST_CASE("a ticket is good once, for its service, for a minute", "[auth]")
{
    Tickets tickets;
    auto now = Tickets::Clock::now();
    auto issue = [&] { return tickets.issue({"imap", "anna", "1", "2", "/h", "maildir:/h"}, now); };
    auto one = issue(), two = issue(), three = issue();
    CHECK(one != two);
    REQUIRE(tickets.redeem(one, "imap", now + 59s));
    CHECK_FALSE(tickets.redeem(one, "imap", now));
    CHECK_FALSE(tickets.redeem(two, "pop3", now));
    CHECK_FALSE(tickets.redeem(two, "imap", now));
    CHECK_FALSE(tickets.redeem(three, "imap", now + 61s));
    CHECK_FALSE(tickets.redeem("", "imap", now));
    CHECK(tickets.size() == 0);
}

TEST_CASE("the secret for fake salts outlives a restart", "[auth]")
{
    tls::test::Directory directory;
    auto file = (directory.path / "secret").string();
    auto first = lasting_secret(file);
    CHECK(first.size() == 32);
    CHECK(lasting_secret(file) == first);
    CHECK(lasting_secret("/nonexistent/secret") != lasting_secret("/nonexistent/secret"));
}

TEST_CASE("a checker answers for all kinds of users", "[auth]")
{
    tls::test::Directory directory;
    auto file = directory.write("users", "anna:{PLAIN}secret:5000:5000::/home/anna::\nno-home:{PLAIN}secret:5000:5000:::::\n"
                                         "net:{PLAIN}secret:5000:5000::/h::allow_nets=192.0.2.0/24\nbroken:{WHAT}x:5000:5000::/h::\n"
                                         "argon:{ARGON2ID}$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4:5000:5000::/h::\n");
    auto users = open_users("passwd-file:" + file);
    REQUIRE(users);
    Checker checker(**users, {"maildir:%h/Maildir", "", "", "PLAIN", "s"});
    auto check = [&](const std::string& user, const std::string& password, const std::string& address = "198.51.100.1") {
        return checker.check({"password", user, password, address, 7});
    };
    CHECK(check("anna", "secret").result == "yes");
    CHECK(check("anna", "secret").mail == "maildir:/home/anna/Maildir");
    CHECK(check("anna", "secret").number == 7);
    CHECK(check("anna", "wrong").result == "no");
    CHECK(check("nobody", "secret").result == "no");
    CHECK(check("net", "secret").result == "disabled");
    CHECK(check("net", "wrong").result == "no");
    CHECK(check("net", "secret", "192.0.2.9").result == "yes");
    CHECK(check("broken", "x").result == "error");
    CHECK(check("no-home", "secret").result == "yes");
    CHECK_FALSE(check("no-home", "secret").trouble.empty());
    auto keys = [&](const std::string& user) { return checker.check({"keys", user, "", "198.51.100.1", 1}); };
    CHECK(keys("anna").result == "yes");
    CHECK(keys("nobody").result == "no");
    CHECK(keys("argon").result == "no");
    CHECK(ScramKeys::parse(keys("nobody").keys));
    CHECK(keys("nobody").keys.substr(0, 20) == keys("nobody").keys.substr(0, 20));
    std::filesystem::remove(file);
    CHECK(check("anna", "secret").result == "error");
}
