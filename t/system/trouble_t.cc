#include <fcntl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "queue/directory.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

// Mistakes in the configuration, damaged files, full disks.
namespace mta {

using namespace std::chrono_literals;

namespace {

// What is added to the files, and what everybody who reads them must say.
struct Mistake {
    std::string main_cf, master_cf;
    std::vector<std::string> said;
    bool may_start = false;  // only what needs the file has to wait for it
};

// Each is at the end of a file; LINE stands for where.
const std::vector<Mistake>& mistakes()
{
    static const std::vector<Mistake> all{
        {"smtpd_recipient_limit = many\n", "", {"main.cf, LINE: smtpd_recipient_limit: bad numerical value", "\"many\""}},
        {"smtpd_timeout = soon\n", "", {"main.cf, LINE: smtpd_timeout: bad time value", "\"soon\""}},
        {"broken_sasl_auth_clients = maybe\n", "", {"main.cf, LINE: broken_sasl_auth_clients: bad boolean value", "\"maybe\""}},
        {"this is no setting\n", "", {"main.cf, LINE: missing '='"}},
        {"transport_maps = hash:/nowhere/table\n", "", {"main.cf, LINE: transport_maps: ", "/nowhere/table.db: No such file or directory"}, true},
        {"transport_maps = hsah:/nowhere/table\n", "", {"main.cf, LINE: transport_maps: unsupported dictionary type: hsah", "did you mean hash?"}},
        {"smtpd_tls_cert_file = /nowhere/cert.pem\n", "", {"smtpd: smtpd_tls_cert_file: open /nowhere/cert.pem: No such file or directory"}, true},
        {"", "foo unxi - - n - - smtp\n", {"master.cf, LINE: bad service type: \"unxi\"", "did you mean unix?"}},
        {"", "foo unix - - n - - smpt\n", {"master.cf, LINE: service foo: there is no program \"smpt\"", "did you mean \"smtp\"?"}},
        {"", "foo unix - - n - - smtp -o nothing\n", {"master.cf, LINE: option -o: missing '='"}},
        {"", "foo unix - - n - - smtp -o smtp_connect_timeout=soon\n", {"master.cf, LINE: -o smtp_connect_timeout: ", "bad time value"}},
        {"", "foo unix - - n\n", {"master.cf, LINE: missing \"wakeup\" field"}},
        {"", "foo unix - - n - many smtp\n", {"master.cf, LINE: field \"maxproc\" has bad value: \"many\""}},
    };
    return all;
}

std::string with_line(const std::string& text, const std::string& file)
{
    auto lines = std::count(file.begin(), file.end(), '\n') + 1;
    return replace_all(text, "LINE", cat("line ", lines));
}

void check_said(const test::Outcome& outcome, const std::vector<std::string>& said, const std::string& file)
{
    INFO(outcome.output);
    for (const auto& text : said) {
        INFO("expected: " << with_line(text, file));
        CHECK(outcome.output.find(with_line(text, file)) != std::string::npos);
    }
}

std::optional<std::string> find_file(const test::Suite& suite, const std::string& id)
{
    for (const auto& entry : std::filesystem::recursive_directory_iterator(suite.queue_directory()))
        if (entry.path().filename() == id)
            return entry.path().string();
    return std::nullopt;
}

std::string reply_to_rcpt(const test::Suite& suite, const std::string& recipient)
{
    auto client = suite.smtp();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"}});
    return client.command(cat("RCPT TO:<", recipient, ">"));
}

// A small file system on a directory of an instance that is stopped meanwhile.
class SmallDisk {
public:
    SmallDisk(test::Suite& suite, std::string path, const std::string& size) : path_(std::move(path))
    {
        suite.stop();
        auto owner = test::run(cat("stat -c uid=%u,gid=%g,mode=%a ", path_)).output;
        is_mounted_ = test::run(cat("mount -t tmpfs -o size=", size, ",", trim(owner), " tmpfs ", path_)).status == 0;
        suite.start();
    }
    ~SmallDisk()
    {
        if (is_mounted_)
            test::run(cat("umount -l ", path_));
    }
    SmallDisk(const SmallDisk&) = delete;
    bool is_mounted() const { return is_mounted_; }
    void fill() const { CHECK(test::run(cat("cat /dev/zero > ", path_, "/fill")).output.find("No space left") != std::string::npos); }
    void make_room() const { std::filesystem::remove(path_ + "/fill"); }

private:
    std::string path_;
    bool is_mounted_;
};

void check_reading(const test::Suite& suite, int number, const std::string& text)
{
    test::Connection imap(suite.port("IMAP"));
    imap.line();
    CHECK(imap.imap(cat("LOGIN ", suite.user(number), " pass", number)).find("a1 OK") != std::string::npos);
    CHECK(imap.imap("SELECT INBOX").find("a2 OK") != std::string::npos);
    CHECK(imap.imap("FETCH 1 BODY.PEEK[]").find(text) != std::string::npos);
    test::Connection pop3(suite.port("POP3"));
    pop3.talk({{"", "+OK"}, {cat("USER ", suite.user(number)), "+OK"}, {cat("PASS pass", number), "+OK"}, {"RETR 1", "+OK"}});
    CHECK(pop3.rest(1s).find(text) != std::string::npos);
}

// A first look at a mailbox on a full disk, by IMAP: reads, marks and expunges. Gives the UIDVALIDITY.
long use_without_room(const test::Suite& suite, int number, const std::string& text)
{
    test::Connection imap(suite.port("IMAP"));
    imap.line();
    CHECK(imap.imap(cat("LOGIN ", suite.user(number), " pass", number)).find("a1 OK") != std::string::npos);
    auto selected = imap.imap("SELECT INBOX");
    INFO(selected);
    CHECK(selected.find("* 2 EXISTS") != std::string::npos);
    CHECK(selected.find("* NO [UIDNOTSTICKY] Non-persistent UIDs\n") != std::string::npos);
    CHECK(selected.find("\\*") == std::string::npos);
    CHECK(selected.find("a2 OK [READ-WRITE]") != std::string::npos);
    CHECK(imap.imap("FETCH 2 BODY.PEEK[]").find(text) != std::string::npos);
    CHECK(imap.imap("STORE 2 FLAGS ($Junk)").find("a4 NO [UNAVAILABLE]") != std::string::npos);
    CHECK(imap.imap("STORE 1 FLAGS (\\Deleted)").find("a5 OK") != std::string::npos);
    CHECK(imap.imap("EXPUNGE").starts_with("* 1 EXPUNGE\n"));
    auto uid_validity = selected.find("[UIDVALIDITY ");
    REQUIRE(uid_validity != std::string::npos);
    return std::stol(selected.substr(uid_validity + 13));
}

}  // namespace

TEST_CASE("mistakes in main.cf and master.cf are named with file, line and the nearest right name, and nothing is started", "[system][trouble]")
{
    test::Suite suite;
    suite.stop();
    auto directory = suite.get("CONFIG_DIRECTORY") + "/";
    auto main_cf = *read_file(directory + "main.cf"), master_cf = *read_file(directory + "master.cf");
    for (const auto& mistake : mistakes()) {
        suite.write_file("main.cf", main_cf + mistake.main_cf);
        suite.write_file("master.cf", master_cf + mistake.master_cf);
        INFO(mistake.main_cf << mistake.master_cf);
        for (std::string command : {"buuta check", "buuta start"}) {
            auto outcome = suite.tool(command);
            CHECK(outcome.status == (mistake.may_start && command == "buuta start" ? 0 : 1));
            check_said(outcome, mistake.said, mistake.main_cf.empty() ? master_cf : main_cf);
        }
        if (mistake.may_start)
            CHECK(suite.tool("buuta stop").status == 0);
        CHECK(suite.tool("buuta status").status == 1);
    }
    suite.write_file("main.cf", main_cf + "smtpd_recipient_limt = 5\n");
    suite.write_file("master.cf", master_cf + "foo unix - - n - - smtp -o smtp_conect_timeout=5s\n");
    auto warned = suite.tool("buuta check");
    INFO(warned.output);
    CHECK(warned.output.find("smtpd_recipient_limt=5 (line ") != std::string::npos);
    CHECK(warned.output.find("did you mean smtpd_recipient_limit?") != std::string::npos);
    CHECK(warned.output.find("did you mean smtp_connect_timeout?") != std::string::npos);
    suite.write_file("main.cf", main_cf);
    suite.write_file("master.cf", master_cf);
    CHECK(suite.tool("buuta start").status == 0);
}

TEST_CASE("nothing is started when a port is in use", "[system][trouble]")
{
    test::Suite suite;
    auto port = suite.port("POP3");
    suite.stop();
    test::Background squatter(cat("exec python3 -c 'import socket, time\ns = socket.create_server((\"127.0.0.1\", ", port, "))\nprint(1, flush=True)\ntime.sleep(100)'"));
    REQUIRE(test::wait_for(suite.directory(), [&] { return test::run(cat("exec 3<> /dev/tcp/127.0.0.1/", port)).status == 0; }));
    auto started = suite.tool("buuta start");
    INFO(started.output);
    CHECK(started.status == 1);
    CHECK(started.output.find(cat("bind 127.0.0.1:", port, ": Address already in use")) != std::string::npos);
    CHECK(suite.tool("buuta status").status == 1);
    CHECK_THROWS(suite.smtp());
}

TEST_CASE("queue files with damage anywhere before the end of the content are put aside, the rest is delivered", "[system][trouble][queue]")
{
    test::Suite suite(test::Settings{{"transport_maps", "inline:{ {later.test=retry:4.4.1 not now} }"}});
    constexpr std::size_t flips = 6, cuts = 3;
    std::vector<std::string> ids;
    for (std::size_t i = 0; i <= flips + cuts; ++i) {
        ids.push_back(suite.submit(test::message("damage", test::large_body(3000)), {"x@later.test"}));
        suite.log_line(cat(ids.back(), ": to=<x@later\\.test>.*status=deferred"));
    }
    REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return suite.log_lines("status=deferred").size() == ids.size(); }));
    for (std::size_t i = 0; i < flips + cuts; ++i) {
        auto path = find_file(suite, ids[i]);
        REQUIRE(path);
        Fd file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
        auto mail = queue::Directory::read(file.get());
        REQUIRE(mail);
        if (i >= flips) {
            std::filesystem::resize_file(*path, std::vector<std::uint64_t>{mail->content_offset - 1, mail->content_offset + 100, mail->content_offset + mail->content_bytes}[i - flips]);
            continue;
        }
        auto place = static_cast<std::streamoff>(std::vector<std::uint64_t>{0, 9, 17, mail->content_offset / 2, mail->content_offset - 2, mail->content_offset + mail->content_bytes + 2}[i]);
        std::fstream stream(*path, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekg(place);
        auto byte = static_cast<char>(stream.get() ^ 0x10);
        stream.seekp(place);
        stream.put(byte);
    }
    suite.mark();
    REQUIRE(suite.tool("postqueue -f").status == 0);
    for (std::size_t i = 0; i < flips + cuts; ++i) {
        INFO("damage " << i);
        suite.log_line(cat("warning: ", ids[i], ": damaged queue file .*moved to the corrupt directory"));
        CHECK(find_file(suite, ids[i]).value_or("").find("/corrupt/") != std::string::npos);
    }
    suite.log_line(cat(ids.back(), ": to=<x@later\\.test>.*status=deferred"));
    auto subject = test::unique();
    suite.send(test::message(subject), {suite.user(2)});
    suite.arrival(2, subject);
}

TEST_CASE("a damaged table is temporary trouble, and all is well when it is repaired", "[system][trouble]")
{
    test::Suite suite(test::Settings{{"minimal_backoff_time", "1s"}, {"maximal_backoff_time", "1s"}, {"transport_retry_time", "1s"}});
    auto table = suite.get("CONFIG_DIRECTORY") + "/vmailbox", database = table + ".db";
    auto make = [&] { REQUIRE(suite.tool(cat("postmap hash:", table)).status == 0); };
    auto answers = [&](const std::string& user, const std::string& code) {
        return test::wait_for(suite.directory() + "/log", [&] { return reply_to_rcpt(suite, user).starts_with(code); });
    };
    make();
    REQUIRE(suite.tool(cat("postconf -e virtual_mailbox_maps=hash:", table)).status == 0);
    suite.reload();
    REQUIRE(answers(suite.user(1), "250"));
    REQUIRE(answers("nobody@example.test", "550 5.1.1"));
    auto client = suite.smtp();  // whose recipient is accepted before
    auto subject = test::unique();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"}, {"RCPT TO:<user1@example.test>", "250"}, {"DATA", "354"}});
    {
        constexpr std::size_t first_page = 4096;
        std::fstream file(database, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(first_page);
        file << std::string(std::filesystem::file_size(database) - first_page, 'x');
    }
    for (auto user : {suite.user(1), suite.user(2), std::string("nobody@example.test"), std::string("nobody-else@example.test")})
        CHECK(answers(user, "4"));
    CHECK_FALSE(suite.has_log_line("550 .*<user[12]@"));
    client.write(test::message(subject));
    client.talk({{".", "250"}});
    suite.log_line("to=<user1@example\\.test>.*dsn=4\\.[0-9.]+, status=deferred");
    make();
    CHECK(answers(suite.user(1), "250"));
    CHECK(answers("nobody@example.test", "550 5.1.1"));
    suite.arrival(1, subject);
    CHECK(suite.log_lines("status=bounced").empty());
}

TEST_CASE("while a table is missing what needs it waits, also after a reload", "[system][trouble]")
{
    test::Suite suite;
    auto table = suite.get("CONFIG_DIRECTORY") + "/vmailbox";
    auto subject = test::unique();
    auto is_answered = [&](std::string_view code) {
        return test::wait_for(suite.directory() + "/log", [&] { return reply_to_rcpt(suite, suite.user(1)).starts_with(code); });
    };
    std::filesystem::rename(table, table + ".away");
    auto reloaded = suite.tool("buuta reload");
    INFO(reloaded.output);
    CHECK(reloaded.status == 0);
    CHECK(reloaded.output.find(cat(table, ": No such file or directory")) != std::string::npos);
    CHECK(is_answered("451 4."));
    suite.send(test::message(subject), {"postmaster@mail.example.test"});  // an alias of user1: accepted, but not delivered now
    suite.log_line("to=<user1@example\\.test>.*dsn=4\\.[0-9.]+, status=deferred");
    std::filesystem::rename(table + ".away", table);
    CHECK(is_answered("250"));
    CHECK(suite.tool("postqueue -f").status == 0);
    suite.arrival(1, subject);
    CHECK(suite.log_lines("status=bounced").empty());
}

TEST_CASE("an address that is added to a table is known to all daemons at once", "[system][trouble]")
{
    test::Suite suite(test::Settings{{"minimal_backoff_time", "1s"}, {"maximal_backoff_time", "1s"}});
    auto first = test::unique(), subject = test::unique();
    suite.send(test::message(first), {suite.user(1), "postmaster@mail.example.test"});
    suite.log_line(": removed");
    auto directory = suite.get("CONFIG_DIRECTORY") + "/";
    suite.write_file("vmailbox", *read_file(directory + "vmailbox") + "fresh@example.test example.test/fresh/\n");
    suite.write_file("aliases", *read_file(directory + "aliases") + "anew user2@example.test\n");
    for (std::string recipient : {"fresh@example.test", "anew@mail.example.test"})
        REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return reply_to_rcpt(suite, recipient).starts_with("250"); }));
    suite.send(test::message(subject), {"fresh@example.test", "anew@mail.example.test"});
    suite.arrival(2, subject);
    auto maildir = suite.directory() + "/mail/example.test/fresh";
    CHECK(test::wait_for(suite.directory() + "/log", [&] { return suite.messages(maildir).size() == 1; }));
    CHECK(suite.log_lines("status=bounced").empty());
}

TEST_CASE("while the queue's disk is full mail is refused for now, reading goes on, and all is well when there is space", "[system][trouble][root]")
{
    if (!test::is_root()) {
        WARN("skipped: needs root");
        return;
    }
    test::Suite suite(test::Settings{{"message_size_limit", "1000000"}});
    SmallDisk disk(suite, suite.queue_directory(), "8m");
    if (!disk.is_mounted()) {
        WARN("skipped: no file system can be mounted here");
        return;
    }
    auto takes_mail = [&](std::string_view code) {  // smtpd looks once in a while
        return test::wait_for(suite.directory() + "/log", [&] {
            auto probe = suite.smtp();
            probe.talk({{"", "220"}, {"EHLO sender.example.test", "250"}});
            return probe.command("MAIL FROM:<a@sender.example.test>").starts_with(code);
        });
    };
    auto subject = test::unique();
    suite.send(test::message(subject), {suite.user(1)});
    suite.arrival(1, subject);
    auto client = suite.smtp();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}, {"MAIL FROM:<a@sender.example.test>", "250"}, {"RCPT TO:<user2@example.test>", "250"}, {"DATA", "354"}});
    client.write(test::message("half", test::large_body(200000)));
    disk.fill();
    client.write(test::large_body(500000));
    client.talk({{".", "452 4.3.1"}, {"QUIT", "221"}});
    CHECK(takes_mail("452 4.3.1"));
    CHECK(suite.tool("postqueue -p").output == "Mail queue is empty\n");
    CHECK(suite.tool("sendmail -f user1@example.test user2@example.test", "Subject: local\n\nlocal\n").status == 75);
    check_reading(suite, 1, subject);
    disk.make_room();
    CHECK(takes_mail("250"));
    auto after = test::unique();
    suite.send(test::message(after, test::large_body(300000)), {suite.user(2)});
    suite.arrival(2, after);
    CHECK(suite.messages(suite.maildir(2)).size() == 1);
    suite.stop();
}

TEST_CASE("mail for a mailbox on a full disk waits and is delivered once when there is space", "[system][trouble][root]")
{
    if (!test::is_root()) {
        WARN("skipped: needs root");
        return;
    }
    test::Suite suite(test::Settings{{"minimal_backoff_time", "1s"}, {"maximal_backoff_time", "1s"}});
    SmallDisk disk(suite, suite.directory() + "/mail", "4m");
    if (!disk.is_mounted()) {
        WARN("skipped: no file system can be mounted here");
        return;
    }
    REQUIRE(suite.run("mkdir -p $DIR/mail/example.test; chown vmail:vmail $DIR/mail/example.test").status == 0);
    auto before = test::unique(), subject = test::unique();
    suite.send(test::message(before), {suite.user(1)});
    suite.arrival(1, before);
    check_reading(suite, 1, before);
    disk.fill();
    auto id = suite.send(test::message(subject, test::large_body(100000)), {suite.user(1)});
    suite.log_line(cat(id, ": to=<user1@example\\.test>, relay=virtual,.*dsn=4\\.[0-9.]+, status=deferred"));
    check_reading(suite, 1, before);
    disk.make_room();
    suite.tool("postqueue -f");
    suite.arrival(1, subject);
    suite.log_line(cat(id, ": removed"));
    CHECK(suite.messages(suite.maildir(1)).size() == 2);
    CHECK(std::filesystem::is_empty(suite.maildir(1) + "/tmp"));
    suite.stop();
}

TEST_CASE("a mailbox that is opened for the first time on a full disk can be read by mail programs", "[system][trouble][root]")
{
    if (!test::is_root()) {
        WARN("skipped: needs root");
        return;
    }
    test::Suite suite;
    SmallDisk disk(suite, suite.directory() + "/mail", "4m");
    if (!disk.is_mounted()) {
        WARN("skipped: no file system can be mounted here");
        return;
    }
    REQUIRE(suite.run("mkdir -p $DIR/mail/example.test; chown vmail:vmail $DIR/mail/example.test").status == 0);
    std::string first = test::unique(), second = test::unique();
    for (const auto& subject : {first, second}) {
        suite.send(test::message(subject), {suite.user(1)});
        suite.arrival(1, subject);
    }
    disk.fill();
    auto curl = suite.run("curl -sS --user $USER1:$PASS1 'imap://'$HOST:$IMAP_PORT'/INBOX;MAILINDEX=2'");
    INFO(curl.output);
    CHECK(curl.output.find(second) != std::string::npos);
    auto pop3_by_curl = suite.run("curl -sS --user $USER1:$PASS1 pop3://$HOST:$POP3_PORT/1");
    CHECK(pop3_by_curl.output.find(first) != std::string::npos);
    test::Connection pop3(suite.port("POP3"));
    pop3.talk({{"", "+OK"}, {cat("USER ", suite.user(1)), "+OK"}, {"PASS pass1", "+OK"}, {"STAT", "+OK 2 "}, {"UIDL", "-ERR [SYS/TEMP]"}, {"QUIT", "+OK"}});
    auto uid_validity = use_without_room(suite, 1, second);
    disk.make_room();
    test::Connection imap(suite.port("IMAP"));
    imap.line();
    imap.imap(cat("LOGIN ", suite.user(1), " pass1"));
    auto selected = imap.imap("SELECT INBOX");
    INFO(selected);
    CHECK(selected.find("* 1 EXISTS") != std::string::npos);
    CHECK(selected.find("UIDNOTSTICKY") == std::string::npos);
    auto later = selected.find("[UIDVALIDITY ");
    REQUIRE(later != std::string::npos);
    CHECK(std::stol(selected.substr(later + 13)) > uid_validity);
    check_reading(suite, 1, second);
    suite.stop();
}

}  // namespace mta
