#include "client.h"

using namespace mta;
using test::Client;

namespace {

// What SEARCH answers, without the words around it.
std::string found(Client& client, const std::string& keys)
{
    auto answer = client("SEARCH " + keys);
    if (!answer.starts_with("* SEARCH") || !answer.ends_with("\n+ OK SEARCH completed"))
        return answer;
    return std::string(trim(answer.substr(8, answer.find('\n') - 8)));
}

// Three messages: plain, with encoded words and text, and a multipart with a message inside.
void fill(Client& client)
{
    client("SELECT INBOX");
    client.append("INBOX",
                  "Date: Tue, 1 Jul 2003 23:30:00 -0800\r\nFrom: Joe Smith <joe@x.test>\r\nTo: ann@y.test\r\nSubject: Plain Text\r\nX-Empty:\r\n\r\nHello World\r\n",
                  "(\\Seen \\Answered) \"02-Jul-2003 07:30:00 +0000\"");
    client.append("INBOX",
                  "Date: nonsense\r\nFrom: ann@y.test\r\nCc: bob@z.test\r\nSubject: =?iso-8859-1?Q?=DCber?= =?utf-8?B?bcO8dA==?=\r\n"
                  "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6ne Gr=FC=\r\n=DFe\r\n",
                  "(\\Flagged $Work) \"03-Jul-2003 07:30:00 +0000\"");
    client.append("INBOX",
                  "Subject: outer\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\nR2VoZWlt\r\nbmlz\r\n--a\r\nContent-Type: image/png; name=\"picture.png\"\r\n\r\nHello\r\n"
                  "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ndeep text\r\n--a--\r\n",
                  "(\\Draft \\Deleted) \"04-Jul-2003 07:30:00 +0000\"");
}

}  // namespace

TEST_CASE("SEARCH by flags, numbers and sizes", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    CHECK(client("SEARCH ALL") == "* SEARCH\n+ OK SEARCH completed");
    fill(client);
    for (auto [keys, wanted] : std::vector<std::pair<std::string, std::string>>{
             {"ALL", "1 2 3"}, {"SEEN", "1"}, {"UNSEEN", "2 3"}, {"ANSWERED", "1"}, {"FLAGGED", "2"}, {"DELETED", "3"}, {"UNDELETED", "1 2"}, {"DRAFT", "3"},
             {"KEYWORD $work", "2"}, {"UNKEYWORD $Work", "1 3"}, {"KEYWORD none", ""}, {"RECENT", "1 2 3"}, {"OLD", ""}, {"NEW", "2 3"},
             {"2:3", "2 3"}, {"*", "3"}, {"UID 2:*", "2 3"}, {"UID 99", ""}, {"NOT 2", "1 3"}, {"OR SEEN DRAFT", "1 3"}, {"OR (SEEN DRAFT) FLAGGED", "2"},
             {"UNSEEN UNFLAGGED", "3"}, {"LARGER 0", "1 2 3"}, {"SMALLER 10", ""}, {"LARGER 300", "3"}})
        CHECK(std::pair(keys, found(client, keys)) == std::pair(keys, wanted));
    CHECK(client("UID SEARCH UNSEEN") == "* SEARCH 2 3\n+ OK SEARCH completed");
    CHECK(client("SEARCH 4").starts_with("+ BAD"));
    CHECK(client("SEARCH NOT (SEEN 4)").starts_with("+ BAD"));
    CHECK(client("SEARCH NONSENSE") == "+ BAD Unknown search key NONSENSE");
}

TEST_CASE("SEARCH finds nothing in an empty mailbox, whatever numbers it names", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    for (const char* keys : {"ALL", "1:*", "*", "3", "NOT 1", "UID 1:*"})
        CHECK(found(client, keys).empty());
    CHECK(client("UID SEARCH 1:* NOT DELETED") == "* SEARCH\n+ OK SEARCH completed");
}

TEST_CASE("SEARCH by dates: as written, whatever time and zone", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    fill(client);
    for (auto [keys, wanted] : std::vector<std::pair<std::string, std::string>>{
             {"ON 2-Jul-2003", "1"}, {"BEFORE 3-Jul-2003", "1"}, {"SINCE 3-Jul-2003", "2 3"}, {"SENTON 1-Jul-2003", "1"}, {"SENTON 2-Jul-2003", ""},
             {"SENTBEFORE 2-Jul-2003", "1"}, {"SENTSINCE 1-Jul-2003", "1"}, {"NOT SENTSINCE 1-Jan-1990", "2 3"}})
        CHECK(std::pair(keys, found(client, keys)) == std::pair(keys, wanted));
}

TEST_CASE("SEARCH in headers and text, decoded and without regard to case", "[imapd]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    fill(client);
    for (auto [keys, wanted] : std::vector<std::pair<std::string, std::string>>{
             {"FROM smith", "1"}, {"TO ANN", "1"}, {"CC bob@", "2"}, {"BCC x", ""}, {"SUBJECT plain", "1"}, {"SUBJECT \"\"", "1 2 3"},
             {"HEADER X-Empty \"\"", "1"}, {"HEADER x-none \"\"", ""}, {"HEADER from @y.test", "2"}, {"BODY hello", "1"}, {"BODY world", "1"},
             {"BODY \"Geheimnis\"", "3"}, {"BODY deep", "3"}, {"BODY inner", "3"}, {"BODY picture.png", "3"}, {"BODY outer", ""}, {"TEXT outer", "3"},
             {"TEXT Smith", "1"}, {"BODY preamble", ""}, {"TEXT \"subject: plain\"", "1"}, {"SUBJECT none", ""}})
        CHECK(std::pair(keys, found(client, keys)) == std::pair(keys, wanted));
    // UTF-8 in a literal, in any case.
    CHECK(client.with_literal("SEARCH CHARSET UTF-8 SUBJECT", "\xc3\xbc" "BERM\xc3\x9cT").starts_with("* SEARCH 2\n"));
    CHECK(client.with_literal("SEARCH CHARSET iso-8859-1 BODY", "sch\xd6ne gr\xfc\xdf" "e").starts_with("* SEARCH 2\n"));
    CHECK(client("SEARCH CHARSET x-nonsense TEXT x") == "+ NO [BADCHARSET (UTF-8 US-ASCII)] Unknown character set");
}
