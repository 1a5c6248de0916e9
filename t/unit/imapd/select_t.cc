#include "client.h"

using namespace mta;
using test::Client;

namespace {

const std::string message = "From: a@b\r\nSubject: x\r\n\r\nbody\r\n";

}  // namespace

TEST_CASE("SELECT tells flags, counts, UIDs; EXAMINE takes nothing away", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    auto answer = client("SELECT inbox");
    CHECK(answer.starts_with("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
                             "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] "));
    CHECK(answer.find("* 0 EXISTS\n* 0 RECENT\n") != std::string::npos);
    CHECK(answer.find("[UNSEEN") == std::string::npos);
    CHECK(answer.ends_with("+ OK [READ-WRITE] SELECT completed"));
    CHECK(client.append("INBOX", message, "(\\Seen)").find("* 1 EXISTS\n* 1 RECENT\n+ OK [APPENDUID ") != std::string::npos);
    CHECK(client.append("inbox", message).find("* 2 EXISTS") != std::string::npos);
    client("UNSELECT");
    client.append("INBOX", message);

    auto examined = client("EXAMINE INBOX");
    CHECK(examined.find("* 3 EXISTS\n* 1 RECENT\n* OK [UNSEEN 2]") != std::string::npos);
    CHECK(examined.find("[PERMANENTFLAGS ()]") != std::string::npos);
    CHECK(examined.find("[UIDNEXT 4]") != std::string::npos);
    CHECK(examined.ends_with("+ OK [READ-ONLY] EXAMINE completed"));
    CHECK(client("STORE 1 +FLAGS (\\Deleted)") == "+ NO [READ-ONLY] The mailbox was opened by EXAMINE");
    CHECK(client("EXPUNGE").starts_with("+ NO [READ-ONLY]"));
    CHECK(client("MOVE 1 INBOX").starts_with("+ NO [READ-ONLY]"));
    CHECK(client("FETCH 2 (BODY[TEXT])") == "* 2 FETCH (BODY[TEXT] {6}\nbody\n)\n+ OK FETCH completed");
    CHECK(client("FETCH 2 FLAGS") == "* 2 FETCH (FLAGS ())\n+ OK FETCH completed");
    CHECK(client("SELECT INBOX").find("* 1 RECENT") != std::string::npos);
    CHECK(client("SELECT INBOX").find("* 0 RECENT") != std::string::npos);
}

TEST_CASE("a failed SELECT leaves nothing selected", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    CHECK(client("SELECT none").starts_with("+ NO [NONEXISTENT]"));
    CHECK(client("FETCH 1 FLAGS") == "+ BAD Select a mailbox first");
    CHECK(client("CHECK") == "+ BAD Select a mailbox first");
}

TEST_CASE("only one session sees a message as recent", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client one(directory.path()), two(directory.path());
    one.append("INBOX", message);
    CHECK(two("STATUS INBOX (RECENT)").starts_with("* STATUS \"INBOX\" (RECENT 1)"));
    CHECK(one("SELECT INBOX").find("* 1 RECENT") != std::string::npos);
    CHECK(two("SELECT INBOX").find("* 0 RECENT") != std::string::npos);
    CHECK(one("FETCH 1 FLAGS").starts_with("* 1 FETCH (FLAGS (\\Recent))"));
    CHECK(two("FETCH 1 FLAGS").starts_with("* 1 FETCH (FLAGS ())"));
}

TEST_CASE("EXPUNGE removes what is deleted, the numbers count down", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    for (int i = 0; i < 5; ++i)
        client.append("INBOX", message, i % 2 == 0 ? "(\\Deleted)" : "()");
    CHECK(client("UID EXPUNGE 1:2") == "* 1 EXPUNGE\n+ OK EXPUNGE completed");
    CHECK(client("EXPUNGE") == "* 4 EXPUNGE\n* 2 EXPUNGE\n+ OK EXPUNGE completed");
    CHECK(client("FETCH 1:* UID") == "* 1 FETCH (UID 2)\n* 2 FETCH (UID 4)\n+ OK FETCH completed");
    CHECK(client("STORE 1 +FLAGS.SILENT \\Deleted") == "+ OK STORE completed");
    CHECK(client("CLOSE") == "+ OK CLOSE completed");
    CHECK(client("SELECT INBOX").find("* 1 EXISTS") != std::string::npos);
    client("STORE 1 +FLAGS.SILENT \\Deleted");
    CHECK(client("UNSELECT") == "+ OK UNSELECT completed");
    CHECK(client("SELECT INBOX").find("* 1 EXISTS") != std::string::npos);
}

TEST_CASE("CLOSE keeps what another session has undeleted meanwhile", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client one(directory.path()), two(directory.path());
    one.append("INBOX", message, "(\\Deleted)");
    one("SELECT INBOX");
    two("SELECT INBOX");
    two("STORE 1 -FLAGS (\\Deleted)");
    CHECK(one("CLOSE") == "+ OK CLOSE completed");
    CHECK(one("STATUS INBOX (MESSAGES)").starts_with("* STATUS \"INBOX\" (MESSAGES 1)"));
}

TEST_CASE("expunges of others wait until no command by number is in progress", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client one(directory.path()), two(directory.path());
    for (int i = 0; i < 3; ++i)
        one.append("INBOX", message);
    one("SELECT INBOX");
    two("SELECT INBOX");
    one("STORE 1 +FLAGS.SILENT (\\Deleted)");
    one("EXPUNGE");
    CHECK(two("FETCH 2 UID") == "* 2 FETCH (UID 2)\n+ OK FETCH completed");
    CHECK(two("FETCH 1 (UID BODY.PEEK[])") == "+ OK [EXPUNGEISSUED] Some of the messages were expunged by others");
    CHECK(two("STORE 3 +FLAGS (\\Seen)") == "* 3 FETCH (FLAGS (\\Seen))\n+ OK STORE completed");
    CHECK(two("SEARCH ALL") == "* SEARCH 2 3\n+ OK SEARCH completed");
    CHECK(two("UID FETCH 1:* FLAGS").ends_with("* 1 EXPUNGE\n+ OK FETCH completed"));
    CHECK(two("FETCH 1 UID") == "* 1 FETCH (UID 2)\n+ OK FETCH completed");
}

TEST_CASE("a pipelining client gets no EXPUNGE before its next command", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client one(directory.path()), two(directory.path());
    for (int i = 0; i < 2; ++i)
        one.append("INBOX", message);
    one("SELECT INBOX");
    two("SELECT INBOX");
    one("STORE 1 +FLAGS.SILENT (\\Deleted)");
    one("EXPUNGE");
    two.send("a NOOP\r\nb FETCH 2 UID\r\nc NOOP\r\n");
    CHECK(two.answer("a") == "+ OK NOOP completed");
    CHECK(two.answer("b") == "* 2 FETCH (UID 2)\n+ OK FETCH completed");
    CHECK(two.answer("c") == "* 1 EXPUNGE\n+ OK NOOP completed");
}

TEST_CASE("a session whose mailbox is deleted by another is told and ended", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client one(directory.path()), two(directory.path());
    one("CREATE box");
    one("SELECT box");
    two("DELETE box");
    one.send("a NOOP\r\n");
    CHECK(one.line() == "* BYE The selected mailbox was deleted or renamed");
    CHECK(one.wait() == static_cast<int>(imapd::End::mailbox_gone));
}

TEST_CASE("flag changes and new messages of others are told", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client one(directory.path()), two(directory.path());
    one.append("INBOX", message);
    one("SELECT INBOX");
    two("SELECT INBOX");
    one("STORE 1 +FLAGS (\\Flagged $Work)");
    auto told = two("NOOP");
    CHECK(told.starts_with("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)\n* OK [PERMANENTFLAGS "));
    CHECK(told.ends_with("* 1 FETCH (FLAGS (\\Flagged $Work))\n+ OK NOOP completed"));
    one.append("INBOX", message);
    CHECK(two("NOOP").starts_with("* 2 EXISTS\n"));
    CHECK(two("NOOP") == "+ OK NOOP completed");
}
