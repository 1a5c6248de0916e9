#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "client.h"
#include "mime/crlf.h"

using namespace mta;
using test::Client;

namespace {

const std::string message = "Date: Tue, 1 Jul 2003 10:52:37 +0200\r\nFrom: Joe <a@b.test>\r\nSubject: x\r\n y\r\n\r\nline one\r\nline two\r\n";

// Puts a file into new/ of the maildir as another program would.
void deliver(const std::string& maildir, const std::string& name, const std::string& bytes)
{
    for (const char* folder : {"/tmp", "/new", "/cur"})
        std::filesystem::create_directories(maildir + folder);
    std::ofstream(maildir + "/tmp/" + name, std::ios::binary) << bytes;
    std::filesystem::rename(maildir + "/tmp/" + name, maildir + "/new/" + name);
}

// The literal in an answer of one FETCH item.
std::string literal_of(const std::string& raw)
{
    auto open = raw.find('{');
    if (open == std::string::npos)
        return raw.find("\"\"") != std::string::npos ? "" : "no literal";
    auto size = parse_number<std::size_t>(raw.substr(open + 1, raw.find('}') - open - 1)).value_or(0);
    return raw.substr(raw.find('\n', open) + 1, size);
}

// As Client(), but with all bytes as they come.
std::string raw_fetch(Client& client, const std::string& command)
{
    client.send("raw " + command + "\r\n");
    std::string out;
    while (!out.starts_with("raw ") && out.find("\r\nraw ") == std::string::npos) {
        auto bytes = client.stream().peek(std::chrono::seconds(10));
        REQUIRE_FALSE(bytes.empty());
        out += bytes;
        client.stream().consume(bytes.size());
    }
    return out;
}

}  // namespace

TEST_CASE("FETCH gives what was appended", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    client.append("INBOX", message, "(\\Seen $Work) \" 1-Feb-1994 21:52:25 -0800\"");
    CHECK(client("FETCH 1 FAST").starts_with(cat("* 1 FETCH (FLAGS (\\Seen \\Recent $Work) INTERNALDATE \" 2-Feb-1994 05:52:25 +0000\" RFC822.SIZE ", message.size(), ")\n+")));
    CHECK(client("FETCH 1 ENVELOPE") == "* 1 FETCH (ENVELOPE (\"Tue, 1 Jul 2003 10:52:37 +0200\" \"x y\" ((\"Joe\" NIL \"a\" \"b.test\")) "
                                        "((\"Joe\" NIL \"a\" \"b.test\")) ((\"Joe\" NIL \"a\" \"b.test\")) NIL NIL NIL NIL NIL))\n+ OK FETCH completed");
    CHECK(client("FETCH 1 BODY") == "* 1 FETCH (BODY (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 20 2))\n+ OK FETCH completed");
    CHECK(client("FETCH 1 BODYSTRUCTURE").find("\"7bit\" 20 2 NIL NIL NIL NIL))") != std::string::npos);
    CHECK(literal_of(raw_fetch(client, "FETCH 1 BODY[]")) == message);
    CHECK(literal_of(raw_fetch(client, "FETCH 1 RFC822")) == message);
    CHECK(literal_of(raw_fetch(client, "FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]")) == "Subject: x\r\n y\r\n\r\n");
    CHECK(literal_of(raw_fetch(client, "FETCH 1 RFC822.HEADER")) + literal_of(raw_fetch(client, "FETCH 1 BODY[TEXT]")) == message);
    CHECK(client("FETCH 1 (UID BODY[3])") == "* 1 FETCH (UID 1 BODY[3] NIL)\n+ OK FETCH completed");
}

TEST_CASE("parts of a section: the offset is echoed, beyond the end there is nothing", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    client.append("INBOX", message);
    for (std::string section : {"", "HEADER", "TEXT", "1", "HEADER.FIELDS (From)"}) {
        auto whole = literal_of(raw_fetch(client, cat("FETCH 1 BODY.PEEK[", section, "]")));
        for (std::size_t offset : {0u, 1u, 7u, 19u, 500u})
            for (std::size_t count : {1u, 5u, 1000u}) {
                auto answer = raw_fetch(client, cat("FETCH 1 BODY.PEEK[", section, "]<", offset, ".", count, ">"));
                CHECK(answer.starts_with(cat("* 1 FETCH (BODY[", section, "]<", offset, "> ")));
                CHECK(literal_of(answer) == (offset < whole.size() ? whole.substr(offset, count) : ""));
            }
    }
}

TEST_CASE("fetching a body sets \\Seen and says so, peeking does not", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    client.append("INBOX", "\r\nb");
    client.append("INBOX", "\r\nb");
    CHECK(client("FETCH 1 BODY.PEEK[TEXT]") == "* 1 FETCH (BODY[TEXT] {1}\nb)\n+ OK FETCH completed");
    CHECK(client("FETCH 1 FLAGS") == "* 1 FETCH (FLAGS (\\Recent))\n+ OK FETCH completed");
    CHECK(client("FETCH 1 BODY[TEXT]") == "* 1 FETCH (BODY[TEXT] {1}\nb FLAGS (\\Seen \\Recent))\n+ OK FETCH completed");
    CHECK(client("FETCH 1 BODY[TEXT]") == "* 1 FETCH (BODY[TEXT] {1}\nb)\n+ OK FETCH completed");
    CHECK(client("FETCH 2 (FLAGS RFC822.TEXT)") == "* 2 FETCH (FLAGS (\\Seen \\Recent) RFC822.TEXT {1}\nb)\n+ OK FETCH completed");
    CHECK(client("SEARCH SEEN").starts_with("* SEARCH 1 2\n"));
}

TEST_CASE("a message with LF line ends is shown with CRLF, and all sizes agree", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    std::string raw = "Subject: x\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\none\ntwo\n--a\nContent-Type: message/rfc822\n\nA: b\n\nc\n--a--\n";
    deliver(directory.path(), "1.x.host", raw);
    client("SELECT INBOX");
    mime::CrlfText shown(raw);
    CHECK(client("FETCH 1 RFC822.SIZE") == cat("* 1 FETCH (RFC822.SIZE ", shown.size(), ")\n+ OK FETCH completed"));
    CHECK(literal_of(raw_fetch(client, "FETCH 1 BODY[]")) == shown.view());
    CHECK(literal_of(raw_fetch(client, "FETCH 1 BODY[1]")) == "one\r\ntwo");
    CHECK(literal_of(raw_fetch(client, "FETCH 1 BODY[]<15.30>")) == shown.view().substr(15, 30));
    CHECK(client("FETCH 1 BODY").find("\"7bit\" 8 1)") != std::string::npos);
}

TEST_CASE("NUL in a stored message is shown as 0x80 everywhere", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    deliver(directory.path(), "1.x.host", std::string("A: b\r\n\r\na\0b\r\n", 13));
    client("SELECT INBOX");
    CHECK(literal_of(raw_fetch(client, "FETCH 1 BODY[]")) == "A: b\r\n\r\na\x80" "b\r\n");
    CHECK(literal_of(raw_fetch(client, "FETCH 1 BODY[1]")) == "a\x80" "b\r\n");
}

TEST_CASE("UID FETCH: absent UIDs are silent, * is the last message", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    CHECK(client("UID FETCH 1:* FLAGS") == "+ OK FETCH completed");
    CHECK(client("FETCH 1:* FLAGS").starts_with("+ BAD"));
    CHECK(client("FETCH * FLAGS").starts_with("+ BAD"));
    for (int i = 0; i < 4; ++i)
        client.append("INBOX", message);
    client("STORE 2 +FLAGS.SILENT \\Deleted");
    client("EXPUNGE");
    CHECK(client("UID FETCH 2 FLAGS") == "+ OK FETCH completed");
    CHECK(client("UID FETCH 999:* (UID)") == "* 3 FETCH (UID 4)\n+ OK FETCH completed");
    CHECK(client("UID FETCH 3:1,3 FAST").find("* 2 FETCH (UID 3 FLAGS") != std::string::npos);
    CHECK(client("FETCH 3,1:2 UID") == "* 1 FETCH (UID 1)\n* 2 FETCH (UID 3)\n* 3 FETCH (UID 4)\n+ OK FETCH completed");
    CHECK(client("FETCH 4 UID").starts_with("+ BAD"));
    CHECK(client("FETCH 1 NONSENSE") == "+ BAD Unknown FETCH item");
}

TEST_CASE("a big message is streamed and fetched piece by piece", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    std::string big = "Subject: big\r\n\r\n";
    for (int i = 0; i < 100000; ++i)
        big += cat("line ", i, "\r\n");
    CHECK(client.append("INBOX", big).find("APPENDUID") != std::string::npos);
    CHECK(literal_of(raw_fetch(client, "FETCH 1 BODY.PEEK[]")) == big);
    std::string pieces;
    for (std::size_t offset = 0; offset < big.size(); offset += 100000)
        pieces += literal_of(raw_fetch(client, cat("UID FETCH 1 BODY.PEEK[]<", offset, ".100000>")));
    CHECK(pieces == big);
}

TEST_CASE("every stored message comes back, HEADER and TEXT are its halves", "[imapd]")
{
    test::TemporaryDirectory directory;
    std::vector<std::string> messages;
    for (const auto& entry : std::filesystem::directory_iterator("t/data/mime"))
        if (entry.path().extension() == ".eml")
            messages.push_back(*read_file(entry.path().string()));
    for (std::size_t i = 0; i < messages.size(); ++i)
        deliver(directory.path(), cat(1000 + i, ".x.host"), messages[i]);
    Client client(directory.path());
    client("SELECT INBOX");
    for (std::size_t i = 0; i < messages.size(); ++i) {
        mime::CrlfText shown(messages[i]);
        CHECK(literal_of(raw_fetch(client, cat("FETCH ", i + 1, " BODY.PEEK[]"))) == shown.view());
        CHECK(literal_of(raw_fetch(client, cat("FETCH ", i + 1, " BODY.PEEK[HEADER]"))) +
              literal_of(raw_fetch(client, cat("FETCH ", i + 1, " BODY.PEEK[TEXT]"))) == shown.view());
        CHECK(client(cat("FETCH ", i + 1, " (RFC822.SIZE)")).find(cat("RFC822.SIZE ", shown.size(), ")")) != std::string::npos);
    }
    CHECK(raw_fetch(client, "FETCH 1:* (ENVELOPE BODYSTRUCTURE)").find("raw OK") != std::string::npos);
}
