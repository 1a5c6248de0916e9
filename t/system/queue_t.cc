#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "base/file.h"
#include "base/text.h"
#include "ipc/channel.h"
#include "service/qmgr.h"
#include "t/lib/message.h"
#include "t/lib/process.h"
#include "t/lib/suite.h"

// The commands of the queue, and files in it that are damaged.
namespace mta {

namespace {

const test::Settings deferring{{"transport_maps", "inline:{ {later.test=retry:4.4.1 not now} }"}};

test::Suite& shared()
{
    static test::Suite suite(deferring);
    return suite;
}

std::string deferred_mail(test::Suite& suite, const std::string& subject = "deferred")
{
    auto id = suite.submit(test::message(subject), {"x@later.test"});
    suite.log_line(cat(id, ": to=<x@later\\.test>.*status=deferred"));
    auto directory = cat(suite.queue_directory(), "/deferred/", id[9]);
    REQUIRE(test::wait_for(directory, [&] { return exists(cat(directory, "/", id)); }));  // the line comes before
    return id;
}

std::string queue_file(const test::Suite& suite, const std::string& id)
{
    for (const auto& entry : std::filesystem::recursive_directory_iterator(suite.queue_directory()))
        if (entry.path().filename() == id)
            return entry.path().string();
    FAIL("no file of " << id);
    return "";
}

constexpr uid_t nobody = 65534;

// What qmgr says to another user.
Result<service::QueueReply> answer_to(uid_t user, const test::Suite& suite, const std::string& request, const std::string& argument = "")
{
    REQUIRE(::seteuid(user) == 0);
    ipc::Client qmgr(cat(suite.queue_directory(), "/public/qmgr"));
    auto reply = qmgr.ask<service::QueueReply>(service::QueueRequest{request, argument}, std::chrono::seconds(20));
    REQUIRE(::seteuid(0) == 0);
    return reply;
}

}  // namespace

TEST_CASE("postqueue lists the queue for people and for programs", "[system][queue]")
{
    auto& suite = shared();
    REQUIRE(suite.tool("postsuper -d ALL").status == 0);
    CHECK(suite.tool("postqueue -p").output == "Mail queue is empty\n");
    auto id = deferred_mail(suite);
    auto list = suite.tool("postqueue -p").output;
    INFO(list);
    CHECK(list.rfind("----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n", 0) == 0);
    CHECK(list.find(id + " ") != std::string::npos);
    CHECK(list.find("user1@example.test\n") != std::string::npos);
    CHECK(list.find("(not now)\n") != std::string::npos);
    CHECK(list.find(" x@later.test\n") != std::string::npos);
    CHECK(list.find("in 1 Request.\n") != std::string::npos);
    auto json = suite.run("$BIN/postqueue -j | python3 -c 'import json, sys; m = json.loads(sys.stdin.read()); r = m[\"recipients\"][0]; "
                          "print(m[\"queue_name\"], m[\"queue_id\"], m[\"sender\"], r[\"address\"], r[\"delay_reason\"])'");
    CHECK(json.output == cat("deferred ", id, " user1@example.test x@later.test not now\n"));
}

TEST_CASE("a flush tries deferred mail again", "[system][queue]")
{
    auto& suite = shared();
    auto id = deferred_mail(suite);
    auto tries = [&] { return suite.log_lines(cat(id, ": to=<x@later\\.test>.*status=deferred")).size(); };
    REQUIRE(tries() == 1);
    SECTION("of everything") { CHECK(suite.tool("postqueue -f").status == 0); }
    SECTION("of one mail") { CHECK(suite.tool("postqueue -i " + id).status == 0); }
    CHECK(test::wait_for(suite.directory() + "/log", [&] { return tries() == 2; }));
}

TEST_CASE("other users may flush the queue as authorized_flush_users says, and nothing else", "[system][queue][root]")
{
    if (!test::is_root())
        return;
    auto& suite = shared();
    auto id = deferred_mail(suite);
    suite.mark();
    auto reply = answer_to(nobody, suite, "flush_id", id);
    CHECK((reply && reply->ok));
    suite.log_line(cat(id, ": to=<x@later\\.test>.*status=deferred"));
    for (const auto* request : {"released", "wakeup"}) {
        reply = answer_to(nobody, suite, request, id);
        REQUIRE(reply);
        CHECK((!reply->ok && !reply->is_allowed));
    }
    CHECK(!answer_to(nobody, suite, "new", id));  // has no answer: the connection is closed
    test::Suite strict{{{"authorized_flush_users", "root, texthash:$config_directory/flushers"}}};
    reply = answer_to(nobody, strict, "flush");
    REQUIRE(reply);
    CHECK(!reply->ok);
    CHECK(reply->is_allowed);  // the table is not there: nobody can tell
    strict.write_file("flushers", "daemon yes\n");
    strict.reload();
    reply = answer_to(nobody, strict, "flush");
    REQUIRE(reply);
    CHECK((!reply->ok && !reply->is_allowed));
    CHECK(reply->text == "User nobody(65534) is not allowed to flush the mail queue");
    CHECK(strict.tool("postqueue -f").status == 0);
}

TEST_CASE("a flush finds mail that the queue manager was not told of", "[system][queue]")
{
    auto& suite = shared();
    auto id = deferred_mail(suite);
    REQUIRE(suite.tool("postsuper -h " + id).status == 0);
    auto file = queue_file(suite, id);
    suite.mark();
    std::filesystem::rename(file, cat(suite.queue_directory(), "/incoming/", id));  // as if cleanup had been killed now
    CHECK(suite.tool("postqueue -f").status == 0);
    suite.log_line(cat(id, ": to=<x@later\\.test>.*status=deferred"));
}

TEST_CASE("mail on hold waits until it is released", "[system][queue]")
{
    auto& suite = shared();
    auto id = deferred_mail(suite);
    auto held = suite.tool("postsuper -h " + id);
    CHECK(held.output.find("Placed on hold: 1 message") != std::string::npos);
    suite.log_line(cat(id, ": placed on hold"));
    CHECK(suite.tool("postqueue -p").output.find(id + "! ") != std::string::npos);
    suite.tool("postqueue -f");
    auto other = deferred_mail(suite);  // whatever the flush did has happened before this one
    CHECK(suite.log_lines(cat(id, ": to=<")).size() == 1);
    CHECK(suite.tool("postsuper -H " + id).output.find("Released from hold: 1 message") != std::string::npos);
    suite.log_line(cat(id, ": released from hold"));
    CHECK(test::wait_for(suite.directory() + "/log", [&] { return suite.tool("postqueue -p").output.find(id + "!") == std::string::npos; }));
    CHECK(suite.tool("postqueue -p").output.find(id) != std::string::npos);
}

TEST_CASE("what postsuper has done is durable", "[system][queue]")
{
    auto& suite = shared();
    if (suite.run("strace -o /dev/null true").status != 0) {
        WARN("skipped: no strace here");
        return;
    }
    auto id = deferred_mail(suite);
    auto trace = suite.directory() + "/postsuper.trace";
    auto directory = cat("deferred/", id[9]);
    for (auto [options, change, directories] : {std::tuple{"-h", "renameat2", std::vector<std::string>{directory, "hold"}}, {"-d", "unlinkat", {"hold"}}}) {
        CHECK(suite.run(cat("ASAN_OPTIONS=detect_leaks=0 strace -y -e trace=renameat2,unlinkat,fsync -o ", trace, " ", suite.get("BIN"), "/postsuper ", options, " ", id)).status == 0);
        auto calls = read_file(trace);
        REQUIRE(calls);
        INFO(*calls);
        auto changed = calls->find(change);
        REQUIRE(changed != std::string::npos);
        for (const auto& changed_directory : directories)
            CHECK(calls->find(cat("/queue/", changed_directory, ">)"), calls->find("fsync(", changed)) != std::string::npos);
    }
}

TEST_CASE("postsuper requeues and deletes mail, postcat shows it", "[system][queue]")
{
    auto& suite = shared();
    auto subject = test::unique();
    auto id = deferred_mail(suite, subject);
    auto shown = suite.tool("postcat -q " + id);
    INFO(shown.output);
    CHECK(shown.status == 0);
    CHECK(shown.output.find(cat("*** ENVELOPE RECORDS deferred/")) != std::string::npos);
    CHECK(shown.output.find("sender: user1@example.test\n") != std::string::npos);
    CHECK(shown.output.find("recipient: x@later.test\n") != std::string::npos);
    CHECK(shown.output.find(cat("Subject: ", subject, "\n")) != std::string::npos);
    CHECK(shown.output.find(cat("*** ENVELOPE RECORDS deferred/", id[9], "/", id, " ***\nmessage_size: ")) == 0);
    auto header = suite.tool("postcat -h -q " + id).output, body = suite.tool("postcat -b -q " + id).output;
    CHECK(header.find("\n\n") == std::string::npos);
    CHECK(body.starts_with("\n"));
    CHECK(suite.tool("postcat -bh -q " + id).output == header + body);
    auto envelope = suite.tool("postcat -e -q " + id).output;
    CHECK(envelope.find(cat("*** MESSAGE CONTENTS deferred/", id[9], "/", id, " ***\n*** HEADER EXTRACTED ")) != std::string::npos);
    CHECK(suite.run(cat("$BIN/postcat -e < ", queue_file(suite, id))).output.starts_with("*** ENVELOPE RECORDS stdin ***\n"));
    CHECK(suite.tool("postsuper -r " + id).output.find("Requeued: 1 message") != std::string::npos);
    CHECK(test::wait_for(suite.directory() + "/log", [&] { return suite.log_lines(cat("to=<x@later\\.test>.*status=deferred")).size() == 2; }));
    CHECK(suite.tool("postsuper -d ALL deferred").output.find("Deleted: ") != std::string::npos);
    suite.log_line(": removed");
    CHECK(suite.tool("postqueue -p").output == "Mail queue is empty\n");
    CHECK(suite.tool("postcat -q " + id).status != 0);
}

TEST_CASE("mail that is made to expire goes back after the next attempt", "[system][queue][bounce]")
{
    auto& suite = shared();
    auto id = deferred_mail(suite), held = deferred_mail(suite);
    CHECK(suite.tool("postsuper -h " + held).status == 0);
    CHECK(suite.tool("postsuper -e " + id).output.find("Force-expired: 1 message\n") != std::string::npos);
    CHECK(suite.tool("postsuper -f " + held).output.find("Released from hold: 1 message\n") != std::string::npos);
    CHECK(suite.tool("postqueue -p").output.find(id + "#") != std::string::npos);
    CHECK(suite.tool("postqueue -i " + id).status == 0);
    for (const auto& one : {id, held}) {
        suite.log_line(cat(one, ": expired"));
        suite.log_line(cat(one, ": from=<user1@example\\.test>, status=force-expired, returned to sender"));
        suite.log_line(cat(one, ": removed"));
    }
}

TEST_CASE("the commands of the queue end as Postfix's when there is nothing to do, or a mistake", "[system][queue]")
{
    auto& suite = shared();
    struct Case { std::string command; int status; std::string output; };
    for (const auto& c : {Case{"postsuper -h 4XYZbbcdfgzBbCdF", 0, "postsuper: Placed on hold: 0 messages\n"}, {"postsuper -d ALL hold", 0, "postsuper: Deleted: 0 messages\n"},
                          {"postsuper -r ../../etc/passwd", 0, "postsuper: warning: invalid mail queue id: ../../etc/passwd\npostsuper: Requeued: 0 messages\n"},
                          {"postqueue -i 4XYZbbcdfgzBbCdF", 0, ""}, {"postqueue -i NOSUCH", 0, ""}, {"postqueue -s nobody.test", 0, ""},
                          {"postqueue -s 'bad domain'", 69, "postqueue: fatal: Cannot flush mail queue - invalid destination: \"bad domain\"\n"},
                          {"postqueue", 69, "postqueue: fatal: usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site\n"},
                          {"postcat -q 4XYZbbcdfgzBbCdF", 1, "postcat: fatal: open queue file 4XYZbbcdfgzBbCdF: No such file or directory\n"}}) {
        auto done = suite.tool(c.command);
        CHECK(done.status == c.status);
        CHECK(done.output == c.output);
    }
}

TEST_CASE("a damaged queue file is put aside and all other mail is delivered", "[system][queue]")
{
    test::Suite suite(deferring);
    auto damaged = deferred_mail(suite), cut = deferred_mail(suite), good = deferred_mail(suite);
    suite.stop();
    {
        std::fstream file(queue_file(suite, damaged), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(8);
        file << "garbage where the header was, for sure";
    }
    auto path = queue_file(suite, cut);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    suite.mark();
    suite.start();
    suite.log_line(cat(damaged, ".*corrupt"));
    suite.log_line(cat(cut, ".*corrupt"));
    suite.tool("postqueue -f");
    suite.log_line(cat(good, ": to=<x@later\\.test>.*status=deferred"));
    CHECK(queue_file(suite, damaged).find("/corrupt/") != std::string::npos);
    CHECK(queue_file(suite, cut).find("/corrupt/") != std::string::npos);
    auto subject = test::unique();
    suite.send(test::message(subject), {"user2@example.test"});
    suite.arrival(2, subject);
}

}  // namespace mta
