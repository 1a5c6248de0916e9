#include "client.h"

using namespace mta;
using test::Client;

TEST_CASE("LIST: separator, wildcards, reference and attributes", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    CHECK(client("LIST \"\" \"\"") == "* LIST (\\Noselect) \".\" \"\"\n+ OK LIST completed");
    CHECK(client("LIST \"\" *") == "* LIST (\\HasNoChildren) \".\" \"INBOX\"\n+ OK LIST completed");
    for (const char* name : {"a", "a.b", "a.b.c", "\"x y\"", "&APw-"})
        CHECK(client(cat("CREATE ", name)) == "+ OK CREATE completed");
    CHECK(client("LIST \"\" %") == "* LIST (\\HasNoChildren) \".\" \"INBOX\"\n* LIST (\\HasNoChildren) \".\" \"&APw-\"\n* LIST (\\HasChildren) \".\" \"a\"\n"
                                   "* LIST (\\HasNoChildren) \".\" \"x y\"\n+ OK LIST completed");
    CHECK(client("LIST \"\" a.%") == "* LIST (\\HasChildren) \".\" \"a.b\"\n+ OK LIST completed");
    CHECK(client("LIST a. *") == "* LIST (\\HasChildren) \".\" \"a.b\"\n* LIST (\\HasNoChildren) \".\" \"a.b.c\"\n+ OK LIST completed");
    CHECK(client("LIST a. .b") == "* LIST (\\HasChildren) \".\" \"a.b\"\n+ OK LIST completed");
    CHECK(client("LIST \"\" inBox") == "* LIST (\\HasNoChildren) \".\" \"INBOX\"\n+ OK LIST completed");
    CHECK(client("LIST \"\" none") == "+ OK LIST completed");
    CHECK(client("LIST \"\"").starts_with("+ BAD"));
}

TEST_CASE("CREATE: parents, a separator at the end, names that cannot be", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    CHECK(client("CREATE p.q.r.") == "+ OK CREATE completed");
    CHECK(client("LIST \"\" p*").find("\"p.q.r\"") != std::string::npos);
    CHECK(client("CREATE p.q.r").starts_with("+ NO [ALREADYEXISTS]"));
    CHECK(client("CREATE inbox").starts_with("+ NO [ALREADYEXISTS]"));
    for (const char* name : {"\"\"", "..", "a..b", "\".a\"", "a/b", "\"../x\"", "&APw", "&AGE-", "\"a\tb\"", "&AAo-"}) {
        CAPTURE(name);
        CHECK(client(cat("CREATE ", name)).starts_with("+ NO [CANNOT]"));
    }
    CHECK(client.with_literal("CREATE", "\xc3\xbc").starts_with("+ NO [CANNOT]"));
}

TEST_CASE("special uses are in LIST and can be given at CREATE (RFC 6154)", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    CHECK(client("CREATE MySent (USE (\\sent))") == "+ OK CREATE completed");
    CHECK(client("LIST \"\" MySent").find("\\Sent)") != std::string::npos);
    CHECK(client("CREATE x (USE (\\Nonsense))").starts_with("+ NO [USEATTR]"));
    CHECK(client("CREATE x (USE (\\Sent \\Trash))").starts_with("+ NO [USEATTR]"));
    CHECK(client("CREATE x (USE (\\Sent\\Trash))").starts_with("+ BAD"));
    CHECK(client("CREATE usual (USE ())") == "+ OK CREATE completed");
    CHECK(client("CREATE x (USE \\Sent)").starts_with("+ BAD"));
}

TEST_CASE("DELETE: children stay below a name that cannot be selected; a new one has another UIDVALIDITY", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    auto validity = [&](const std::string& name) {
        auto answer = client(cat("STATUS ", name, " (UIDVALIDITY)"));
        return answer.substr(0, answer.find('\n'));
    };
    client("CREATE a");
    client("CREATE a.b");
    auto before = validity("a");
    CHECK(client("DELETE a") == "+ OK DELETE completed");
    CHECK(client("LIST \"\" a*").find("* LIST (\\Noselect \\HasChildren) \".\" \"a\"\n* LIST (\\HasNoChildren) \".\" \"a.b\"\n") != std::string::npos);
    CHECK(client("SELECT a").starts_with("+ NO [NONEXISTENT]"));
    CHECK(client("DELETE a").starts_with("+ NO "));
    CHECK(client("CREATE a") == "+ OK CREATE completed");
    CHECK(validity("a") != before);
    CHECK(client("DELETE none").starts_with("+ NO [NONEXISTENT]"));
    CHECK(client("DELETE INBOX").starts_with("+ NO [CANNOT]"));
    client("SELECT a.b");
    CHECK(client("DELETE a.b") == "+ OK DELETE completed");
    CHECK(client("CHECK").starts_with("+ BAD"));
}

TEST_CASE("RENAME takes the children along; of INBOX only the messages", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("CREATE a");
    client("CREATE a.b");
    client("SUBSCRIBE a.b");
    CHECK(client("RENAME a z") == "+ OK RENAME completed");
    CHECK(client("LIST \"\" *").find("\"z.b\"") != std::string::npos);
    CHECK(client("LIST \"\" a*") == "+ OK LIST completed");
    CHECK(client("LSUB \"\" *") == "* LSUB () \".\" \"a.b\"\n+ OK LSUB completed");
    CHECK(client("RENAME none y").starts_with("+ NO [NONEXISTENT]"));
    CHECK(client("RENAME z INBOX").starts_with("+ NO [ALREADYEXISTS]"));
    CHECK(client("RENAME z &bad").starts_with("+ NO [CANNOT]"));
    client.append("INBOX", "\r\nx");
    client("SELECT z");
    client.append("z", "\r\nx");
    CHECK(client("RENAME inbox old") == "+ OK RENAME completed");
    CHECK(client("STATUS old (MESSAGES)").starts_with("* STATUS \"old\" (MESSAGES 1)"));
    CHECK(client("STATUS INBOX (MESSAGES)").starts_with("* STATUS \"INBOX\" (MESSAGES 0)"));
    CHECK(client("FETCH 1 UID").starts_with("* 1 FETCH (UID 1)"));
    CHECK(client("RENAME z q") == "+ OK RENAME completed");
    CHECK(client("CHECK").starts_with("+ BAD"));
}

TEST_CASE("subscriptions stay when mailboxes go; LSUB % shows the parents", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("CREATE a.b");
    CHECK(client("SUBSCRIBE a.b") == "+ OK SUBSCRIBE completed");
    CHECK(client("SUBSCRIBE inbox") == "+ OK SUBSCRIBE completed");
    client("DELETE a.b");
    CHECK(client("LSUB \"\" *").find("* LSUB () \".\" \"a.b\"\n") != std::string::npos);
    CHECK(client("LSUB \"\" %").find("* LSUB (\\Noselect) \".\" \"a\"\n") != std::string::npos);
    CHECK(client("UNSUBSCRIBE a.b") == "+ OK UNSUBSCRIBE completed");
    CHECK(client("LSUB \"\" *") == "* LSUB () \".\" \"INBOX\"\n+ OK LSUB completed");
    CHECK(client("SUBSCRIBE &bad").starts_with("+ NO [CANNOT]"));
}

TEST_CASE("STATUS counts what is unseen, and tells of the selected mailbox what the session knows", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path()), other(directory.path());
    client("CREATE \"a b\"");
    client.append("\"a b\"", "\r\nx", "(\\Seen)");
    client.append("\"a b\"", "\r\nx");
    CHECK(client("STATUS \"a b\" (UNSEEN messages RECENT UIDNEXT)").starts_with("* STATUS \"a b\" (UNSEEN 1 MESSAGES 2 RECENT 2 UIDNEXT 3)\n"));
    client("SELECT \"a b\"");
    other.append("\"a b\"", "\r\nx");
    auto status = client("STATUS \"a b\" (MESSAGES RECENT)");
    CHECK(status.starts_with("* 3 EXISTS\n* 3 RECENT\n* STATUS \"a b\" (MESSAGES 3 RECENT 3)\n"));
    for (const char* wrong : {"STATUS INBOX", "STATUS INBOX ()", "STATUS INBOX MESSAGES", "STATUS INBOX (NONSENSE)", "STATUS INBOX (MESSAGES"})
        CHECK(client(wrong).starts_with("+ BAD"));
    CHECK(client("STATUS none (MESSAGES)").starts_with("+ NO [NONEXISTENT]"));
}
