#include <fstream>

#include "client.h"

using namespace mta;
using test::Client;

TEST_CASE("commands of any state", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    auto capability = client("capability");
    CHECK(capability.starts_with("* CAPABILITY IMAP4rev1 LITERAL+ "));
    for (const char* name : {" IDLE", " NAMESPACE", " UIDPLUS", " SASL-IR", " CHILDREN", " UNSELECT", " MOVE", " SPECIAL-USE", " ENABLE", " ID "})
        CHECK(capability.find(name) != std::string::npos);
    CHECK(client("NOOP") == "+ OK NOOP completed");
    CHECK(client("NAMESPACE") == "* NAMESPACE ((\"\" \".\")) NIL NIL\n+ OK NAMESPACE completed");
    CHECK(client("ID NIL") == "* ID (\"name\" \"Buuta\")\n+ OK ID completed");
    CHECK(client("ID (\"name\" \"x\" \"version\" NIL)").ends_with("+ OK ID completed"));
    CHECK(client("ID ()").ends_with("+ OK ID completed"));
    CHECK(client("ID").starts_with("+ BAD"));
    CHECK(client("ENABLE CONDSTORE X") == "* ENABLED\n+ OK ENABLE completed");
    CHECK(client("ENABLE").starts_with("+ BAD"));
    for (const char* early : {"LOGIN a b", "STARTTLS", "AUTHENTICATE PLAIN"})
        CHECK(client(early) == "+ BAD You are logged in already");
    CHECK(client("LOGOUT") == "* BYE Logging out\n+ OK LOGOUT completed");
    CHECK(client.wait() == static_cast<int>(imapd::End::logout));
}

TEST_CASE("nonsense gets BAD with a clear text, and too much of it the end", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path(), "imapd_error_limit = 6\n");
    CHECK(client("FROBNICATE now") == "+ BAD Unknown command FROBNICATE");
    CHECK(client("UID NOOP") == "+ BAD Unknown command UID NOOP");
    CHECK(client("NOOP x").starts_with("+ BAD"));
    client.send("\r\n");
    CHECK(client.line() == "* BAD A command is a tag, a space and a name");
    client.send("tag\r\n");
    CHECK(client.line() == "tag BAD A command is a tag, a space and a name");
    client.send("+ NOOP\r\n");
    CHECK(client.line() == "* BAD A command is a tag, a space and a name");
    CHECK(client.line() == "* BYE Too many errors");
    CHECK(client.wait() == static_cast<int>(imapd::End::refused));
}

TEST_CASE("a command line over the limit is refused, one below it is not", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    client.append("INBOX", "\r\nx");
    std::string set = "1";
    while (set.size() < 60000)
        set += ",1,1:1";
    CHECK(client(cat("UID FETCH ", set, " UID")) == "* 1 FETCH (UID 1)\n+ OK FETCH completed");
    client.send(cat("a NOOP ", std::string(5000000, 'x'), "\r\nb NOOP\r\n"));
    CHECK(client.line() == "* BAD The command is too long");
    CHECK(client.answer("b") == "+ OK NOOP completed");
}

TEST_CASE("literals may stand for every string, also without waiting", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    CHECK(client.with_literal("SELECT", "INBOX").ends_with("+ OK [READ-WRITE] SELECT completed"));
    client.send("a LIST {0+}\r\n {1}\r\n");
    CHECK(client.line() == "+ OK");
    client.send("%\r\n");
    CHECK(client.answer("a").find("INBOX") != std::string::npos);
}

TEST_CASE("a client that is silent for too long is logged out", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path(), "imapd_timeout = 1s\n");
    CHECK(client.line() == "* BYE Logged out for inactivity");
    CHECK(client.wait() == static_cast<int>(imapd::End::timeout));
    Client idle(directory.path(), "imapd_timeout = 1s\n");
    idle.send("a IDLE\r\n");
    CHECK(idle.line() == "+ idling");
    CHECK(idle.line() == "* BYE Logged out for inactivity");
}

TEST_CASE("a client that is gone ends the session, also within a literal", "[imapd]")
{
    test::TemporaryDirectory directory;
    for (const char* bytes : {"", "a NOO", "a SELECT {10}\r\nIN", "a APPEND INBOX {10}\r\nabc", "a IDLE\r\n", "a FETCH "}) {
        Client client(directory.path());
        client.send(bytes);
        ::shutdown(client.stream().fd(), SHUT_WR);
        CHECK(client.wait() == static_cast<int>(imapd::End::lost));
    }
    Client after(directory.path());
    CHECK(after("STATUS INBOX (MESSAGES)").starts_with("* STATUS \"INBOX\" (MESSAGES 0)"));
}

TEST_CASE("IDLE tells of new mail and of other sessions at once; only DONE ends it", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path()), other(directory.path());
    client("SELECT INBOX");
    client.send("a IDLE\r\n");
    CHECK(client.line() == "+ idling");
    auto begin = std::chrono::steady_clock::now();
    std::ofstream(directory.path() + "/tmp/1.x.host") << "Subject: x\n\nbody\n";
    std::filesystem::rename(directory.path() + "/tmp/1.x.host", directory.path() + "/new/1.x.host");
    CHECK(client.line() == "* 1 EXISTS");
    CHECK(client.line() == "* 1 RECENT");
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
    other("SELECT INBOX");
    other("STORE 1 +FLAGS (\\Deleted)");
    CHECK(client.line() == "* 1 FETCH (FLAGS (\\Deleted \\Recent))");
    other("EXPUNGE");
    CHECK(client.line() == "* 1 EXPUNGE");
    client.send("DONE\r\nb NOOP\r\n");
    CHECK(client.answer("a") == "+ OK IDLE completed");
    CHECK(client.answer("b") == "+ OK NOOP completed");
    client.send("c IDLE\r\n");
    CHECK(client.line() == "+ idling");
    client.send("NOOP\r\n");
    CHECK(client.answer("c") == "+ BAD DONE was expected");
}

TEST_CASE("IDLE without a mailbox, with DONE at once, and with a sign of life", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path(), "imapd_idle_notify_interval = 1s\n");
    client.send("a IDLE\r\nDONE\r\n");
    CHECK(client.line() == "+ idling");
    CHECK(client.answer("a") == "+ OK IDLE completed");
    client.send("b IDLE\r\n");
    CHECK(client.line() == "+ idling");
    CHECK(client.line() == "* OK Still here");
    client.send("done\r\n");
    CHECK(client.answer("b") == "+ OK IDLE completed");
}
