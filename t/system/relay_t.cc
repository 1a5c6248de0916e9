#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/peer.h"
#include "t/lib/suite.h"

// Mail to other hosts: which of them, in what order, and what when that does not work. All MX hosts have addresses in 127.0.0.0/8
// and one port, which transport_maps names.
namespace mta {

namespace {

struct World {
    int port = test::free_port();
    test::Suite suite{test::Settings{{"transport_maps", transports()}, {"minimal_backoff_time", "300s"}, {"smtp_connect_timeout", "2s"}}};

    std::string transports() const
    {
        std::string table = "inline:{ ";
        for (std::string domain : {"one.remote.test", "two.remote.test", "null.remote.test", "nomx.remote.test", "none.remote.test", "far.remote.test", "gone.remote.test",
                                   "half.remote.test", "silent.remote.test", "some.broken"})
            table += cat(domain, "=smtp:", domain, ":", port, " ");
        return table + "}";
    }
};

World& world()
{
    static World world;
    return world;
}

// What smtp-sink kept of a message: without its X- fields and the Received fields.
std::string message_in(const std::string& dump)
{
    auto start = dump.find("Received:");
    return start == std::string::npos ? dump : test::without_trace(dump.substr(start));
}

std::string sent_line(const std::string& domain, const std::string& status)
{
    return cat("to=<x@", replace_all(domain, ".", "\\."), ">.*status=", status);
}

}  // namespace

TEST_CASE("a relayed message arrives byte for byte, with its envelope", "[system][relay]")
{
    auto& [port, suite] = world();
    test::Sink sink(port);
    for (const auto& body : {test::nasty_body(), test::large_body(1 << 20), std::string("\r\n"), std::string()}) {
        auto sent = test::message(test::unique(), body);
        suite.mark();
        suite.submit(sent, {"x@one.remote.test"});
        suite.log_line(sent_line("one.remote.test", "sent \\(250 "));
        auto mails = sink.mails(1);
        REQUIRE(!mails.empty());
        bool is_there = false;
        std::string last;
        for (const auto& mail : mails) {
            last = test::difference(sent, message_in(mail));
            is_there = is_there || last.empty();
        }
        INFO(last);
        CHECK(is_there);
        CHECK(mails.front().find("X-Mail-Args: <user1@example.test>") != std::string::npos);
        CHECK(mails.front().find("X-Rcpt-Args: <x@one.remote.test>") != std::string::npos);
    }
}

TEST_CASE("the MX host of the best preference gets the mail", "[system][relay][dns]")
{
    auto& [port, suite] = world();
    test::Sink first(port, "127.0.0.2"), second(port, "127.0.0.3");
    suite.submit(test::message("best"), {"x@two.remote.test"});
    CHECK(suite.log_line(sent_line("two.remote.test", "sent")).find(cat("relay=first.two.remote.test[127.0.0.2]:", port)) != std::string::npos);
    CHECK(first.mails(1).size() == 1);
}

TEST_CASE("when the best MX host refuses connections or greets with an error the next gets the mail", "[system][relay][dns]")
{
    auto& [port, suite] = world();
    test::Sink second(port, "127.0.0.3");
    auto expected = cat("relay=second.two.remote.test[127.0.0.3]:", port);
    SECTION("refuses")
    {
        suite.submit(test::message("next"), {"x@two.remote.test"});
        CHECK(suite.log_line(sent_line("two.remote.test", "sent")).find(expected) != std::string::npos);
        CHECK(suite.has_log_line(cat("connect to first\\.two\\.remote\\.test\\[127\\.0\\.0\\.2\\]:", port, ": Connection refused")));
    }
    SECTION("greets with an error")
    {
        test::Sink first(port, "127.0.0.2", "-f CONNECT");
        suite.submit(test::message("next"), {"x@two.remote.test"});
        CHECK(suite.log_line(sent_line("two.remote.test", "sent")).find(expected) != std::string::npos);
    }
}

TEST_CASE("hosts that cannot be reached, or do not answer, are passed over, and mail waits if there is no other", "[system][relay][dns]")
{
    auto& [port, suite] = world();
    SECTION("no way there")
    {
        test::Sink second(port, "127.0.0.3");
        suite.submit(test::message("unreachable"), {"x@far.remote.test"});
        CHECK(suite.log_line(sent_line("far.remote.test", "sent")).find(cat("relay=second.far.remote.test[127.0.0.3]:", port)) != std::string::npos);
        CHECK(suite.has_log_line(cat("connect to first\\.far\\.remote\\.test\\[127\\.255\\.255\\.255\\]:", port, ": Network is unreachable")));
    }
    SECTION("no way to any of them")
    {
        auto id = suite.submit(test::message("unreachable"), {"x@far.remote.test"});
        suite.log_line(cat(id, ": to=<x@far\\.remote\\.test>, relay=none,.*dsn=4\\.4\\.1, status=deferred \\(connect to second\\.far\\.remote\\.test"));
        CHECK(suite.tool("postsuper -d " + id).status == 0);
    }
    SECTION("no answer")
    {
        // A socket whose queue is full: nothing is refused, nothing is accepted.
        test::Background silent(cat("exec python3 -c 'import socket, time; s = socket.socket(); s.bind((\"127.0.0.4\", ", port, ")); s.listen(0); "
                                    "c = [socket.socket() for i in range(4)]; [k.setblocking(False) or k.connect_ex((\"127.0.0.4\", ", port, ")) for k in c]; "
                                    "open(\"", suite.directory(), "/log/silent\", \"w\"); time.sleep(60)'"));
        REQUIRE(test::wait_for(suite.directory() + "/log", [&suite = suite] { return ::access((suite.directory() + "/log/silent").c_str(), F_OK) == 0; }));
        auto id = suite.submit(test::message("silent"), {"x@silent.remote.test"});
        suite.log_line(cat(id, ": to=<x@silent\\.remote\\.test>, relay=none,.*dsn=4\\.4\\.1, status=deferred \\(connect to silent\\.remote\\.test\\[127\\.0\\.0\\.4\\]:", port,
                           ": Connection timed out\\)"));
        CHECK(suite.tool("postsuper -d " + id).status == 0);
    }
}

TEST_CASE("an MX host without an address is passed over; a domain that has no other bounces", "[system][relay][dns]")
{
    auto& [port, suite] = world();
    test::Sink first(port, "127.0.0.2");
    suite.submit(test::message("half"), {"x@half.remote.test"});
    CHECK(suite.log_line(sent_line("half.remote.test", "sent")).find(cat("relay=first.two.remote.test[127.0.0.2]:", port)) != std::string::npos);
    auto subject = test::unique();
    suite.submit(test::message(subject), {"x@gone.remote.test"});
    suite.log_line("to=<x@gone\\.remote\\.test>, relay=none,.*dsn=5\\.4\\.4, status=bounced \\(.*name=nowhere\\.gone\\.remote\\.test type=A");
    suite.arrival(1, subject);
}

TEST_CASE("a domain with an address but without MX is its own host", "[system][relay][dns]")
{
    auto& [port, suite] = world();
    test::Sink sink(port, "127.0.0.2");
    suite.submit(test::message("no mx"), {"x@nomx.remote.test"});
    CHECK(suite.log_line(sent_line("nomx.remote.test", "sent")).find(cat("relay=nomx.remote.test[127.0.0.2]:", port)) != std::string::npos);
}

TEST_CASE("domains that take no mail or do not exist bounce; the sender is told", "[system][relay][dns][bounce]")
{
    auto& [port, suite] = world();
    struct Case {
        std::string domain, status;
    };
    for (const auto& [domain, status] : {Case{"null.remote.test", "5\\.1\\.10"}, Case{"none.remote.test", "5\\.4\\.4"}}) {
        auto subject = test::unique();
        suite.submit(test::message(subject), {cat("x@", domain)});
        suite.log_line(cat("to=<x@", domain, ">, relay=none,.*dsn=", status, ", status=bounced"));
        CHECK(suite.arrival(1, cat("Subject: ", subject)).find("Undelivered Mail Returned to Sender") != std::string::npos);
    }
}

TEST_CASE("a name server that fails defers mail", "[system][relay][dns]")
{
    auto& [port, suite] = world();
    auto id = suite.submit(test::message("servfail"), {"x@some.broken"});
    suite.log_line(cat(id, ": to=<x@some\\.broken>, relay=none,.*dsn=4\\.4\\.3, status=deferred \\(Host or domain name not found\\. Name service error for "
                           "name=some\\.broken type=MX: "));
    CHECK(suite.tool("postqueue -p").output.find(id) != std::string::npos);
    CHECK(suite.tool(cat("postsuper -d ", id)).status == 0);
}

TEST_CASE("a recipient that the other host refuses bounces, one that it defers stays in the queue", "[system][relay][bounce]")
{
    auto& [port, suite] = world();
    SECTION("refuses")
    {
        test::Sink sink(port, "127.0.0.1", "-f RCPT");
        auto subject = test::unique();
        auto id = suite.submit(test::message(subject), {"x@one.remote.test"});
        suite.log_line(cat(id, ": to=<x@one\\.remote\\.test>, relay=mx\\.one\\.remote\\.test\\[127\\.0\\.0\\.1\\]:", port,
                           ",.*dsn=5\\.3\\.0, status=bounced \\(host mx\\.one\\.remote\\.test\\[127\\.0\\.0\\.1\\] said: 500 5\\.3\\.0 .*\\(in reply to RCPT TO command\\)\\)"));
        suite.arrival(1, subject);
    }
    SECTION("defers")
    {
        std::string id;
        {
            test::Sink sink(port, "127.0.0.1", "-r RCPT");
            id = suite.submit(test::message("deferred"), {"x@one.remote.test"});
            suite.log_line(cat(id, ": to=<x@one\\.remote\\.test>.*dsn=4\\.3\\.0, status=deferred \\(host .* said: 450 4\\.3\\.0 "));
        }
        test::Sink sink(port);
        CHECK(suite.tool("postqueue -f").status == 0);
        suite.log_line(cat(id, ": to=<x@one\\.remote\\.test>.*status=sent"));
        suite.log_line(cat(id, ": removed"));
    }
}

TEST_CASE("Debian's Postfix and we exchange mail in both directions", "[system][relay][postfix][root]")
{
    if (!test::is_root()) {
        WARN("skipped: needs root");
        return;
    }
    test::Suite suite(test::Settings{{"virtual_mailbox_limit", "0"}});
    test::Postfix postfix("peer.test", suite.port("SMTP"));
    suite.write_file("transport", cat("peer.test smtp:[127.0.0.1]:", postfix.port(), "\n"));
    REQUIRE(suite.tool("postconf -e transport_maps=texthash:" + suite.get("CONFIG_DIRECTORY") + "/transport").status == 0);
    suite.reload();

    auto sent = test::message(test::unique(), test::nasty_body());
    suite.submit(sent, {"box@peer.test"});
    suite.log_line("to=<box@peer\\.test>, relay=127\\.0\\.0\\.1\\[127\\.0\\.0\\.1\\]:[0-9]+,.*status=sent \\(250 2\\.0\\.0 Ok: queued as ");
    REQUIRE(test::wait_for(postfix.directory(), [&] { return !postfix.messages().empty(); }));
    CHECK(test::difference(sent, test::without_trace(postfix.messages().front())) == "");

    // And back: from Postfix's client over STARTTLS to ours.
    auto subject = test::unique();
    auto reply = test::message(subject, test::nasty_body());
    test::Connection client(postfix.port());
    client.talk({{"", "220"}, {"EHLO client.test", "250"}, {"MAIL FROM:<box@peer.test> BODY=8BITMIME", "250"}, {"RCPT TO:<user4@example.test>", "250"}, {"DATA", "354"}});
    client.write(replace_all(reply, "\r\n.", "\r\n.."));
    client.talk({{".", "250"}, {"QUIT", "221"}});
    CHECK(test::difference(reply, test::without_trace(suite.arrival(4, subject))) == "");
    CHECK(suite.has_log_line("disconnect from .* starttls=1 .*mail=1 rcpt=1 "));
}

}  // namespace mta
