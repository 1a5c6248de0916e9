#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <regex>

#include "base/file.h"
#include "base/text.h"
#include "t/lib/mbsync.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

// Mail programs read a mailbox; every message must come as it was sent.
namespace mta {

namespace {

// User 7 of the common suite, with messages that are hard to get right.
const std::vector<std::string>& mailbox()
{
    static std::vector<std::string> sent;
    if (!sent.empty())
        return sent;
    auto& suite = test::common_suite();
    for (const auto& body : {std::string(), std::string("\r\n"), test::nasty_body(), test::large_body(1 << 20), std::string(".\r\n"), std::string("no end of line\r\n")}) {
        auto subject = test::unique();
        sent.push_back(test::message(subject, body));
        suite.send(sent.back(), {suite.user(7)});
        suite.arrival(7, subject);
    }
    return sent;
}

// Without the fields that mbsync, getmail and mutt add for themselves.
std::string without_marks(const std::string& message)
{
    return std::regex_replace(message, std::regex("\n(X-TUID|X-getmail-retrieved-from-mailbox|Content-Length|Lines): [^\n]*"), "");
}

// Does each message occur once, and nothing else?
void check_same(const std::vector<std::string>& received)
{
    const auto& sent = mailbox();
    REQUIRE(received.size() == sent.size());
    for (const auto& message : sent) {
        auto subject = message.substr(message.find("Subject:"), 30);
        auto same = std::find_if(received.begin(), received.end(), [&](auto& other) { return other.find(subject) != std::string::npos; });
        REQUIRE(same != received.end());
        CHECK(test::difference(message, test::without_trace(without_marks(*same))) == "");
    }
}

std::vector<std::string> files_below(const std::string& directory)
{
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        auto parent = entry.path().parent_path().filename();
        if (entry.is_regular_file() && (parent == "new" || parent == "cur" || parent == "files"))
            found.push_back(*read_file(entry.path().string()));
    }
    return found;
}

// Runs the client in a directory of its own ($OUT), where it leaves the messages in new/, cur/ or files/.
void check_client(const std::string& name, const std::string& command, std::string_view input = "")
{
    test::TemporaryDirectory out;
    mailbox();
    auto& suite = test::common_suite();
    auto done = suite.run(cat("export OUT=", out.path(), " HOME=", out.path(), " USER=$USER7 PASS=$PASS7; mkdir -p $OUT/files; cd $OUT\n", command), input,
                          std::chrono::seconds(60));
    INFO(name << ": " << done.output.substr(0, 3000));
    CHECK(done.status == 0);
    check_same(files_below(out.path()));
}

}  // namespace

TEST_CASE("curl reads a mailbox over POP3 and IMAP", "[system][retrieval]")
{
    for (std::string url : {"pop3://$HOST:$POP3_PORT/$i", "--ssl-reqd pop3://$HOST:$POP3_PORT/$i", "pop3s://$HOST:$POP3S_PORT/$i",
                            "'imap://'$HOST:$IMAP_PORT'/INBOX;MAILINDEX='$i", "'imaps://'$HOST:$IMAPS_PORT'/INBOX;MAILINDEX='$i"})
        check_client(url, cat("for i in 1 2 3 4 5 6; do curl -sS --cacert $CA_FILE -u $USER:$PASS -o files/$i ", url, " || exit 1; done"));
}

TEST_CASE("Python reads a mailbox over IMAP and POP3", "[system][retrieval]")
{
    check_client("imaplib", "exec python3 -", R"PY(
import imaplib, os, ssl
e = os.environ
client = imaplib.IMAP4_SSL("127.0.0.1", int(e["IMAPS_PORT"]), ssl_context=ssl.create_default_context(cafile=e["CA_FILE"]))
client.login(e["USER"], e["PASS"])
assert client.select("INBOX", readonly=True)[0] == "OK"
for number in client.search(None, "ALL")[1][0].split():
    data = client.fetch(number, "(UID RFC822.SIZE BODY.PEEK[])")[1]
    assert f"RFC822.SIZE {len(data[0][1])} ".encode() in data[0][0] or f"RFC822.SIZE {len(data[0][1])})".encode() in data[0][0], data[0][0]
    open("files/" + number.decode(), "wb").write(data[0][1])
client.logout()
)PY");
    check_client("poplib", "exec python3 -", R"(
import os, poplib, ssl
e = os.environ
client = poplib.POP3("127.0.0.1", int(e["POP3_PORT"]))
client.stls(ssl.create_default_context(cafile=e["CA_FILE"]))
client.user(e["USER"])
client.pass_(e["PASS"])
for entry in client.list()[1]:
    number, size = entry.decode().split()
    content = b"".join(line + b"\r\n" for line in client.retr(number)[1])
    assert len(content) == int(size), (number, size, len(content))
    open("files/" + number, "wb").write(content)
client.quit()
)");
}

TEST_CASE("mbsync copies a mailbox", "[system][retrieval]")
{
    check_client("mbsync", test::mbsync_setup("Patterns INBOX\nSync Pull\nCreate Near") + "exec mbsync -c $OUT/rc -a");
}

TEST_CASE("fetchmail fetches a mailbox over POP3 and IMAP", "[system][retrieval]")
{
    for (std::string protocol : {"POP3", "IMAP"})
        check_client(cat("fetchmail ", protocol), cat("umask 077; cat > rc <<RC\nset invisible\npoll 127.0.0.1 protocol ", protocol, " port $", protocol,
                                                      "_PORT username $USER password $PASS fetchall keep sslproto '' no rewrite mda 'cat > $OUT/files/\\$(mktemp -u mXXXXXX)'\nRC\n"
                                                      "exec fetchmail -f rc --nodetach --nosyslog --pidfile $OUT/pid"));
}

TEST_CASE("getmail fetches a mailbox over POP3 and IMAP with TLS", "[system][retrieval]")
{
    for (std::string protocol : {"POP3", "IMAP"})
        check_client(cat("getmail ", protocol), cat("mkdir -p box/new box/cur box/tmp; user=; [ $(id -u) != 0 ] || { user='user = nobody'; chown -R nobody .; }; cat > rc <<RC\n[retriever]\ntype = Simple", protocol,
                                                    "SSLRetriever\nserver = 127.0.0.1\nport = $", protocol,
                                                    "S_PORT\nusername = $USER\npassword = $PASS\nca_certs = $CA_FILE\n[destination]\ntype = Maildir\npath = $OUT/box/\n$user\n"
                                                    "[options]\nread_all = true\ndelete = false\ndelivered_to = false\nreceived = false\nRC\nexec getmail -n --getmaildir $OUT --rcfile rc"));
}

TEST_CASE("mutt reads a mailbox over IMAP and POP3", "[system][retrieval]")
{
    for (std::string url : {"imap://localhost:$IMAP_PORT/INBOX", "imaps://localhost:$IMAPS_PORT/INBOX", "pop://localhost:$POP3_PORT/", "pops://localhost:$POP3S_PORT/"})
        check_client(cat("mutt ", url), cat("mkdir -p box/new box/cur box/tmp; cat > rc <<RC\nset ssl_force_tls=no ssl_starttls=no ssl_ca_certificates_file=$CA_FILE\n"
                                            "set mbox_type=Maildir folder=$OUT move=no confirmappend=no confirmcreate=no wait_key=no pop_delete=no\n"
                                            "set imap_user=$USER imap_pass=$PASS pop_user=$USER pop_pass=$PASS\n"
                                            "push \"<tag-pattern>~A<enter><tag-prefix><copy-message>$OUT/box<enter><exit>\"\nRC\n"
                                            "TERM=xterm exec script -qec \"mutt -n -R -F $OUT/rc -f ", url, "\" /dev/null"));
}

}  // namespace mta
