#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "t/lib/mbsync.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

// Mail programs that change a mailbox: they add, mark, move and delete messages, and synchronise in both directions.
namespace mta {

namespace {

// A shell with the variables of one user and an empty directory of its own, $OUT.
class Shell {
public:
    explicit Shell(int user) : prefix_(cat("export OUT=", out_.path(), " HOME=", out_.path(), " USER=$USER", user, " PASS=$PASS", user, "\n")) {}

    const std::string& out() const { return out_.path(); }
    // What the commands print; they must succeed.
    std::string operator()(const std::string& commands, std::string_view input = "") const
    {
        auto done = test::common_suite().run(prefix_ + commands, input, std::chrono::seconds(60));
        INFO(commands << "\n" << done.output.substr(0, 3000));
        REQUIRE(done.status == 0);
        return done.output;
    }
    std::string curl(const std::string& arguments) const { return (*this)("curl -sS -u $USER:$PASS " + arguments); }

private:
    test::TemporaryDirectory out_;
    std::string prefix_;
};

// Subject and flags of each message, sorted: "one :2,FS". Gives what a maildir of mbsync or ours holds.
std::vector<std::string> summary(const std::string& maildir)
{
    std::vector<std::string> found;
    for (const char* part : {"/new", "/cur"}) {
        if (!std::filesystem::exists(maildir + part))
            continue;
        for (const auto& entry : std::filesystem::directory_iterator(maildir + part)) {
            auto text = *read_file(entry.path().string());
            auto subject = text.substr(text.find("Subject: ") + 9);
            auto name = entry.path().filename().string();
            auto info = name.find(":2,");
            found.push_back(cat(trim(subject.substr(0, subject.find('\n'))), " :2,", info == std::string::npos ? "" : name.substr(info + 3)));
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

const std::string imap = "imap://$HOST:$IMAP_PORT";

void append(const Shell& shell, const std::string& subject, const std::string& folder = "INBOX")
{
    shell(cat("cat > $OUT/message; curl -sS -u $USER:$PASS -T $OUT/message ", imap, "/", folder), test::message(subject));
}

}  // namespace

TEST_CASE("what BODYSTRUCTURE says of the parts of real and broken messages is what FETCH gives of them", "[system][mailbox]")
{
    Shell shell(6);
    auto output = shell("exec python3 t/system/check_parts.py t/data/mime/*.eml");
    CHECK(output.find(" messages, ") != std::string::npos);
}

TEST_CASE("curl appends, searches, copies, marks and expunges", "[system][mailbox]")
{
    Shell shell(8);
    append(shell, "one");
    append(shell, "two");
    auto inbox = imap + "/INBOX";
    shell.curl(imap + " -X 'CREATE Kept'");
    CHECK(shell.curl(inbox + " -X 'SEARCH SUBJECT two'").find("* SEARCH 2") != std::string::npos);
    shell.curl(inbox + " -X 'COPY 2 Kept'");
    shell.curl(inbox + " -X 'STORE 1 +FLAGS (\\Flagged \\Answered)'");
    shell.curl(inbox + " -X 'STORE 2 +FLAGS \\Deleted'");
    CHECK(shell.curl(inbox + " -X 'EXPUNGE'").find("* 2 EXPUNGE") != std::string::npos);
    auto maildir = test::common_suite().maildir(8);
    CHECK(summary(maildir) == std::vector<std::string>{"one :2,FRS"});
    CHECK(summary(maildir + "/.Kept") == std::vector<std::string>{"two :2,S"});
    auto unique_ids = shell.curl("pop3://$HOST:$POP3_PORT -X UIDL");
    shell.curl(inbox + " -X 'STORE 1 FLAGS (\\Seen)'");
    CHECK(shell.curl("pop3://$HOST:$POP3_PORT -X UIDL") == unique_ids);
    shell.curl("--head pop3://$HOST:$POP3_PORT/1 -X DELE");
    CHECK(summary(maildir).empty());
}

TEST_CASE("fetchmail and getmail take messages away", "[system][mailbox]")
{
    Shell shell(4);
    auto maildir = test::common_suite().maildir(4);
    for (std::string protocol : {"POP3", "IMAP"}) {
        append(shell, "for fetchmail");
        shell(cat("umask 077; rm -f $OUT/fetchrc; cat > $OUT/fetchrc <<RC\nset invisible\npoll 127.0.0.1 protocol ", protocol, " port $", protocol,
                  "_PORT username $USER password $PASS fetchall nokeep sslproto '' mda 'cat > $OUT/got'\nRC\n"
                  "exec fetchmail -f $OUT/fetchrc --nodetach --nosyslog --pidfile $OUT/pid"));
        CHECK(read_file(shell.out() + "/got")->find("Subject: for fetchmail") != std::string::npos);
        CHECK(summary(maildir).empty());
        std::filesystem::remove(shell.out() + "/got");
        append(shell, "for getmail");
        shell(cat("cd $OUT; rm -rf box; mkdir -p box/new box/cur box/tmp; user=; [ $(id -u) != 0 ] || { user='user = nobody'; chown -R nobody .; }\n"
                  "cat > rc <<RC\n[retriever]\ntype = Simple", protocol, "SSLRetriever\nserver = 127.0.0.1\nport = $", protocol,
                  "S_PORT\nusername = $USER\npassword = $PASS\nca_certs = $CA_FILE\n[destination]\ntype = Maildir\npath = $OUT/box/\n$user\n"
                  "[options]\nread_all = true\ndelete = true\nRC\nexec getmail -n --getmaildir $OUT --rcfile rc"));
        CHECK(summary(shell.out() + "/box") == std::vector<std::string>{"for getmail :2,"});
        CHECK(summary(maildir).empty());
    }
}

TEST_CASE("mbsync keeps both sides the same: new messages, flags, deletions and folders", "[system][mailbox]")
{
    Shell shell(5);
    auto maildir = test::common_suite().maildir(5), here = shell.out() + "/boxes";
    shell(test::mbsync_setup("Patterns *\nSync All\nCreate Both\nRemove Both\nExpunge Both"));
    auto sync = [&] { shell("exec mbsync -c $OUT/rc -a"); };
    for (const char* subject : {"one", "two", "three"})
        append(shell, subject);
    shell.curl(imap + " -X 'CREATE Work'");
    append(shell, "four", "Work");
    sync();
    CHECK(summary(here + "/INBOX") == summary(maildir));
    CHECK(summary(here + "/Work") == std::vector<std::string>{"four :2,S"});

    // There: flagged, deleted. Here: answered, a new one, a new folder.
    shell.curl(imap + "/INBOX -X 'STORE 1 +FLAGS \\Flagged'");
    shell.curl(imap + "/INBOX -X 'STORE 2 +FLAGS \\Deleted'");
    for (const auto& entry : std::filesystem::directory_iterator(here + "/INBOX/cur"))
        if (read_file(entry.path().string())->find("Subject: three") != std::string::npos)
            std::filesystem::rename(entry.path(), replace_all(entry.path().string(), ":2,S", ":2,RS"));
    shell("printf 'Subject: five\\n\\nx\\n' > $OUT/boxes/INBOX/new/1500000000.five; mkdir -p $OUT/boxes/Play/new $OUT/boxes/Play/cur $OUT/boxes/Play/tmp\n"
          "printf 'Subject: six\\n\\nx\\n' > $OUT/boxes/Play/new/1500000000.six");
    sync();
    auto expected = std::vector<std::string>{"five :2,", "one :2,FS", "three :2,RS"};
    CHECK(summary(maildir) == expected);
    CHECK(summary(here + "/INBOX") == expected);
    CHECK(summary(maildir + "/.Play") == std::vector<std::string>{"six :2,"});
    sync();  // nothing is left to do, and nothing comes twice
    CHECK(summary(maildir) == expected);
    CHECK(summary(here + "/INBOX") == expected);
}

TEST_CASE("mutt reads, copies, marks and deletes over IMAP, and in the maildir itself beside a session", "[system][mailbox]")
{
    Shell shell(9);
    auto maildir = test::common_suite().maildir(9);
    // mutt wants a terminal; its keys come from the configuration.
    auto mutt = [&](const std::string& folder, const std::string& keys) {
        shell(cat("cat > $OUT/muttrc <<RC\nset ssl_force_tls=no ssl_starttls=no delete=yes move=no copy=no mark_old=no quit=yes confirmappend=no "
                  "confirmcreate=no wait_key=no imap_user=$USER imap_pass=$PASS folder=", imap, "\nRC\n"
                  "TERM=vt100 exec timeout 30 script -qec \"mutt -n -F $OUT/muttrc -f ", folder, " -e 'push \\\"", keys, "\\\"'\" /dev/null"));
    };
    for (const char* subject : {"one", "two", "three"})
        append(shell, subject);
    mutt("imap://$HOST:$IMAP_PORT/INBOX", "<search>one<enter><flag-message><search>two<enter><delete-message><search>three<enter><copy-message>=Saved<enter><quit>");
    CHECK(summary(maildir) == std::vector<std::string>{"one :2,FS", "three :2,S"});
    CHECK(summary(maildir + "/.Saved") == std::vector<std::string>{"three :2,S"});
    mutt(maildir, "<search>one<enter><set-flag>N<search>three<enter><delete-message><quit>");
    CHECK(shell.curl(imap + "/INBOX -X 'FETCH 1:* (UID FLAGS)'").find("* 1 FETCH (UID 1 FLAGS (\\Flagged))") != std::string::npos);
    CHECK(shell.curl(imap + "/INBOX -X 'UID SEARCH ALL'").find("* SEARCH 1\r\n") != std::string::npos);
}

}  // namespace mta
