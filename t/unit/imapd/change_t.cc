#include "base/file.h"
#include "client.h"

using namespace mta;
using test::Client;

namespace {

const std::string message = "Subject: x\r\n\r\nbody\r\n";

}  // namespace

TEST_CASE("STORE replaces, adds and removes flags", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    client.append("INBOX", message);
    client.append("INBOX", message);
    CHECK(client("STORE 1:2 FLAGS (\\Seen \\Draft)") ==
          "* 1 FETCH (FLAGS (\\Seen \\Draft \\Recent))\n* 2 FETCH (FLAGS (\\Seen \\Draft \\Recent))\n+ OK STORE completed");
    CHECK(client("UID STORE 2 -FLAGS \\Seen") == "* 2 FETCH (UID 2 FLAGS (\\Draft \\Recent))\n+ OK STORE completed");
    CHECK(client("STORE 1 -FLAGS.SILENT (\\Seen \\Draft)") == "+ OK STORE completed");
    CHECK(client("STORE 1 FLAGS ()") == "* 1 FETCH (FLAGS (\\Recent))\n+ OK STORE completed");
    CHECK(client("UID STORE 77 +FLAGS (\\Seen)") == "+ OK STORE completed");
    for (const char* wrong : {"STORE 1 FLAG (\\Seen)", "STORE 1 +FLAGS (\\Nonsense)", "STORE 9 +FLAGS (\\Seen)", "STORE 1 +FLAGS", "STORE x FLAGS ()", "STORE 1 FLAGS (\\Seen"})
        CHECK(client(wrong).starts_with("+ BAD "));
}

TEST_CASE("a new keyword is announced before a message has it; many are kept", "[imapd]")
{
    test::TemporaryDirectory directory;
    {
        Client client(directory.path());
        client("SELECT INBOX");
        client.append("INBOX", message);
        CHECK(client("STORE 1 +FLAGS ($Junk)").starts_with("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\n* OK [PERMANENTFLAGS (\\Answered \\Flagged "
                                                          "\\Deleted \\Seen \\Draft $Junk \\*)]"));
        CHECK(client("STORE 1 +FLAGS ($junk)") == "* 1 FETCH (FLAGS (\\Recent $Junk))\n+ OK STORE completed");
        for (int i = 0; i < 40; ++i)
            CHECK(client(cat("STORE 1 +FLAGS.SILENT (key", i, ")")).ends_with("+ OK STORE completed"));
        client("LOGOUT");
    }
    Client again(directory.path());
    again("SELECT INBOX");
    auto flags = again("FETCH 1 FLAGS");
    CHECK(flags.find("$Junk key0 key1 ") != std::string::npos);
    CHECK(flags.find("key39") != std::string::npos);
    CHECK(again("SEARCH KEYWORD KEY39").starts_with("* SEARCH 1\n"));
    CHECK(again("SEARCH UNKEYWORD KEY39").starts_with("* SEARCH\n"));
}

TEST_CASE("too many keywords are refused, and then \\* is not promised any more", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    client.append("INBOX", message);
    std::string last;
    for (int i = 0; i <= 64; ++i)
        last = client(cat("STORE 1 +FLAGS.SILENT (k", i, ")"));
    CHECK(last.starts_with("+ NO [LIMIT]"));
    CHECK(client("SELECT INBOX").find("\\*") == std::string::npos);
}

TEST_CASE("APPEND keeps flags and date, answers before it asks for the message", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path(), "message_size_limit = 1000\n");
    CHECK(client.append("none", message).starts_with("+ NO [TRYCREATE]"));
    CHECK(client.append("INBOX", std::string(1001, 'x')) == "+ NO [TOOBIG] A message can have at most 1000 octets");
    CHECK(client.append("INBOX", "") == "+ NO An empty message was not stored");
    CHECK(client.append("INBOX", message, "(\\Nonsense)").starts_with("+ BAD"));
    CHECK(client.append("INBOX", message, "\"1-Feb-1994\"").starts_with("+ BAD"));
    CHECK(client("APPEND INBOX").starts_with("+ BAD"));
    CHECK(client("APPEND INBOX \"message\"").starts_with("+ BAD"));
    CHECK(client("STATUS INBOX (MESSAGES)").starts_with("* STATUS \"INBOX\" (MESSAGES 0)"));
    CHECK(client.append("INBOX", std::string(1000, 'x')).starts_with("+ OK [APPENDUID "));
    CHECK(client.with_literal("APPEND INBOX", message, " junk").starts_with("+ BAD"));
    CHECK(client("STATUS INBOX (MESSAGES)").starts_with("* STATUS \"INBOX\" (MESSAGES 1)"));
}

TEST_CASE("a client that waits before its message is told at once that there is no place for it", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    CHECK(client.append("INBOX", message).starts_with("+ OK"));
    std::filesystem::remove(directory.path() + "/tmp");
    REQUIRE(replace_file(directory.path() + "/tmp", "no directory", 0600));
    CHECK(client.append("INBOX", message).starts_with("+ NO "));
    CHECK(client("NOOP") == "+ OK NOOP completed");
    client.send(cat("a APPEND INBOX {", message.size(), "+}\r\n", message, "\r\nb NOOP\r\n"));
    CHECK(client.answer("a").starts_with("+ NO "));
    CHECK(client.answer("b") == "+ OK NOOP completed");
}

TEST_CASE("what a client sends without waiting is swallowed when it is refused", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path(), "message_size_limit = 1000\nimapd_command_size_limit = 5000\n");
    client.send(cat("a APPEND INBOX {2000+}\r\n", std::string(2000, 'x'), "\r\nb APPEND none {3+}\r\nabc\r\nc APPEND INBOX (\\Nonsense) {3+}\r\nabc\r\n"
                    "d LIST {9000+}\r\n", std::string(9000, 'x'), " {3+}\r\nabc\r\ne APPEND {5+}\r\nINBOX {3+}\r\nabc\r\nf NOOP\r\n"));
    CHECK(client.answer("a").starts_with("+ NO [TOOBIG]"));
    CHECK(client.answer("b").starts_with("+ NO [TRYCREATE]"));
    CHECK(client.answer("c") == "+ BAD Unknown system flag \\Nonsense");
    CHECK(client.answer("d") == "+ BAD The command is too long");
    CHECK(client.answer("e").starts_with("+ OK [APPENDUID"));
    CHECK(client.answer("f") == "+ OK NOOP completed");
    client.send("g LIST {99999999999999999999+}\r\n");
    CHECK(client.line() == "* BYE The literal is too large");
    CHECK(client.wait() == static_cast<int>(imapd::End::refused));
}

TEST_CASE("several messages are appended together or not at all (RFC 3502)", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    client.send("a APPEND INBOX (\\Seen) {3+}\r\none \"01-Feb-1994 00:00:00 +0000\" {3+}\r\ntwo\r\n");
    auto answer = client.answer("a");
    CHECK(answer.find("* 2 EXISTS") != std::string::npos);
    CHECK(answer.find(" 1:2] APPEND completed") != std::string::npos);
    CHECK(client("FETCH 2 (FLAGS INTERNALDATE)").find("\" 1-Feb-1994 00:00:00 +0000\"") != std::string::npos);
    client.send("b APPEND INBOX {3+}\r\none {0+}\r\n\r\nc NOOP\r\n");
    CHECK(client.answer("b") == "+ NO An empty message was not stored");
    CHECK(client.answer("c") == "+ OK NOOP completed");
}

TEST_CASE("COPY keeps flags, keywords and date, and pairs UIDs", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    for (int i = 0; i < 3; ++i)
        client.append("INBOX", message, "(\\Flagged $Work) \"01-Feb-1994 00:00:00 +0000\"");
    CHECK(client("COPY 1 box").starts_with("+ NO [TRYCREATE]"));
    client("CREATE box");
    auto copied = client("COPY 3,1 box");
    CHECK(copied.starts_with("+ OK [COPYUID "));
    CHECK(copied.ends_with(" 1,3 1:2] COPY completed"));
    CHECK(client("UID COPY 99 box") == "+ OK COPY completed");
    CHECK(client("COPY 2 INBOX").find("* 4 EXISTS") != std::string::npos);
    client("SELECT box");
    CHECK(client("FETCH 2 (FLAGS INTERNALDATE)").starts_with("* 2 FETCH (FLAGS (\\Flagged \\Recent $Work) INTERNALDATE \" 1-Feb-1994 00:00:00 +0000\")"));
}

TEST_CASE("what others have expunged cannot be copied, and that is said", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client one(directory.path()), two(directory.path());
    for (int i = 0; i < 3; ++i)
        one.append("INBOX", message);
    one("CREATE box");
    one("SELECT INBOX");
    two("SELECT INBOX");
    one("STORE 1:2 +FLAGS.SILENT (\\Deleted)");
    one("EXPUNGE");
    two.send("a COPY 1:2 box\r\nb COPY 2:3 box\r\nc UID COPY 1 box\r\n");
    CHECK(two.answer("a") == "+ NO [EXPUNGEISSUED] The messages were expunged by others");
    auto partly = two.answer("b");
    CHECK((partly.starts_with("+ OK [COPYUID ") && partly.ends_with(" 3 1] Some of the messages were expunged by others")));
    CHECK(two.answer("c").ends_with("+ OK COPY completed"));
    CHECK(two("STATUS box (MESSAGES)").starts_with("* STATUS \"box\" (MESSAGES 1)"));
}

TEST_CASE("MOVE tells COPYUID before EXPUNGE (RFC 6851)", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("CREATE box");
    client("SELECT INBOX");
    for (int i = 0; i < 3; ++i)
        client.append("INBOX", message);
    auto moved = client("MOVE 1,3 box");
    CHECK(moved.starts_with("* OK [COPYUID "));
    CHECK(moved.ends_with(" 1,3 1:2] Moved\n* 3 EXPUNGE\n* 1 EXPUNGE\n+ OK MOVE completed"));
    CHECK(client("UID MOVE 2 none").starts_with("+ NO [TRYCREATE]"));
    CHECK(client("UID MOVE 99 box") == "+ OK MOVE completed");
    CHECK(client("STATUS box (MESSAGES UIDNEXT)").starts_with("* STATUS \"box\" (MESSAGES 2 UIDNEXT 3)"));
    CHECK(client("STATUS INBOX (MESSAGES)").starts_with("* STATUS \"INBOX\" (MESSAGES 1)"));
}
