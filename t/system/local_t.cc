#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

// Local delivery: aliases, lists, commands, files, and what users write into .forward.
namespace mta {

namespace {

std::string aliases(const std::string& directory)
{
    return cat("postmaster user1@example.test\nlist user1@example.test, user2@example.test\nnested list, user3@example.test\n", "members :include:", directory,
               "/etc/members\ncommand \"|cat > ", directory, "/evidence/message; env > ", directory, "/evidence/environment\"\nfails \"|exit 67\"\nfile ", directory,
               "/evidence/box\ndeep :include:", directory, "/etc/list0\nowned missing-user@example.test\nowner-owned user5@example.test\n",
               "turn turn-back\nturn-back turn\ngated user4@example.test, \"|test -e ", directory, "/evidence/gate || exit 75\"\n");
}

// An instance with aliases, and a directory that commands may write to.
test::Suite& shared()
{
    static test::Suite suite(test::Settings{{"recipient_delimiter", "+"}});
    static bool is_ready = false;
    if (!std::exchange(is_ready, true)) {
        auto evidence = suite.directory() + "/evidence";
        std::filesystem::create_directory(evidence);
        std::filesystem::permissions(evidence, std::filesystem::perms::all);
        suite.write_file("members", "# a list\nuser6@example.test\nuser7@example.test, user8@example.test\n");
        suite.write_file("aliases", aliases(suite.directory()));
        suite.reload();
    }
    return suite;
}

}  // namespace

TEST_CASE("an alias becomes its members, also through aliases and lists in files, each once", "[system][local]")
{
    auto& suite = shared();
    auto subject = test::unique();
    suite.send(test::message(subject), {"nested@mail.example.test", "list@mail.example.test", "members@mail.example.test"});
    for (int number : {1, 2, 3, 6, 7, 8})
        suite.arrival(number, subject);
    REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return suite.tool("postqueue -p").output == "Mail queue is empty\n"; }));
    for (int number : {3, 6, 7, 8}) {
        std::size_t copies = 0;
        for (const auto& message : suite.messages(suite.maildir(number)))
            copies += message.find(subject) != std::string::npos;
        CHECK(copies == 1);
    }
    suite.log_line("to=<members@mail\\.example\\.test>, relay=local,.*dsn=2\\.0\\.0, status=sent \\(forwarded as [0-9A-Za-z]+\\)");
}

TEST_CASE("members get one copy although a power cut makes their alias forward again", "[system][local]")
{
    auto& suite = shared();
    auto subject = test::unique();
    auto id = suite.send(test::message(subject), {"gated@mail.example.test"});
    suite.log_line(cat(id, ": .*status=deferred"));
    auto saved = cat(suite.directory(), "/", id), queue = suite.queue_directory();
    auto is_empty = [&] { return suite.tool("postqueue -p").output == "Mail queue is empty\n"; };
    auto forwarded = [&] { return suite.log_lines("to=<gated@mail\\.example\\.test>.*status=sent \\(forwarded as").size(); };
    REQUIRE(test::wait_for(queue + "/deferred", [&] { return exists(cat(queue, "/deferred/", id[9], "/", id)); }));
    std::filesystem::create_hard_link(cat(queue, "/deferred/", id[9], "/", id), saved);
    std::ofstream(suite.directory() + "/evidence/gate");
    suite.tool("postqueue -f");
    suite.arrival(4, subject);
    REQUIRE(test::wait_for(suite.directory() + "/log", is_empty));
    std::filesystem::rename(saved, cat(queue, "/incoming/", id));  // its removal was not synced
    suite.tool("postqueue -f");
    REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return forwarded() == 2 && is_empty(); }));
    auto messages = suite.messages(suite.maildir(4));
    CHECK(std::count_if(messages.begin(), messages.end(), [&](auto& message) { return message.find(subject) != std::string::npos; }) == 1);
}

TEST_CASE("a command gets the message and a clean environment", "[system][local]")
{
    auto& suite = shared();
    auto sent = test::message(test::unique(), test::nasty_body());
    suite.send(sent, {"command+detail@mail.example.test"});
    suite.log_line("to=<command\\+detail@mail\\.example\\.test>, relay=local,.*status=sent \\(delivered to command: cat");
    auto received = read_file(suite.directory() + "/evidence/message");
    REQUIRE(received);
    CHECK(received->find("Delivered-To: command+detail@mail.example.test\n") != std::string::npos);
    CHECK(test::difference(sent, test::without_trace(received->substr(received->find('\n') + 1))) == "");
    auto environment = "\n" + *read_file(suite.directory() + "/evidence/environment");
    for (std::string line : {"SENDER=sender@sender.example.test", "RECIPIENT=command+detail@mail.example.test", "LOCAL=command+detail", "EXTENSION=detail", "DOMAIN=mail.example.test"}) {
        INFO(line << " in " << environment);
        CHECK(environment.find("\n" + line + "\n") != std::string::npos);
    }
}

TEST_CASE("a command that fails decides by its exit status", "[system][local]")
{
    auto& suite = shared();
    auto subject = test::unique();
    suite.submit(test::message(subject), {"fails@mail.example.test"});
    suite.log_line("to=<fails@mail\\.example\\.test>, relay=local,.*dsn=5\\.1\\.1, status=bounced");
    suite.arrival(1, subject);
}

TEST_CASE("an alias may be a file, which gets messages as in an mbox", "[system][local]")
{
    auto& suite = shared();
    auto subject = test::unique();
    suite.send(test::message(subject, "From the first line.\r\n"), {"file@mail.example.test"});
    suite.log_line("to=<file@mail\\.example\\.test>, relay=local,.*status=sent \\(delivered to file: ");
    auto box = read_file(suite.directory() + "/evidence/box");
    REQUIRE(box);
    CHECK(box->rfind("From sender@sender.example.test ", 0) == 0);
    CHECK(box->find("\n\n>From the first line.\n\n") != std::string::npos);
}

TEST_CASE("failures of a list go to its owner", "[system][local][bounce]")
{
    auto& suite = shared();
    auto subject = test::unique();
    suite.send(test::message(subject), {"owned@mail.example.test"}, "user4@example.test");
    CHECK(suite.arrival(5, subject).find("missing-user@example.test") != std::string::npos);
    suite.log_line("from=<owner-owned@mail\\.example\\.test>");
}

TEST_CASE("mail for an alias waits while nobody can tell whether it has an owner", "[system][local]")
{
    constexpr auto known = "inline:{ {sold=user1@example.test} }";
    test::Suite suite(test::Settings{{"alias_maps", known}, {"transport_maps", "inline:{ {mail.example.test=doubtful:} }"}},
                      cat("doubtful unix - n n - - local\n  -o { alias_maps = ", known, ", fail:unknown }\n"));
    suite.send(test::message(test::unique()), {"sold@mail.example.test"}, "user4@example.test");
    suite.log_line("to=<sold@mail\\.example\\.test>, relay=local,.*dsn=4\\.3\\.0, status=deferred");
}

TEST_CASE("aliases that lead back to each other end", "[system][local][bounce]")
{
    auto& suite = shared();
    auto subject = test::unique();
    suite.submit(test::message(subject), {"turn@mail.example.test"});
    suite.log_line("to=<turn(-back)?@mail\\.example\\.test>.*status=bounced");
    suite.arrival(1, subject);
}

TEST_CASE("lists that name each other again and again end", "[system][local][bounce]")
{
    auto& suite = shared();
    constexpr int depth = 15;
    for (int i = 0; i < depth; ++i) {
        auto next = cat(":include:", suite.directory(), "/etc/list", i + 1, "\n");
        suite.write_file(cat("list", i), next + next);
    }
    suite.write_file(cat("list", depth), "# nobody\n");
    auto subject = test::unique();
    suite.submit(test::message(subject), {"deep@mail.example.test"});
    suite.log_line("to=<deep@mail\\.example\\.test>.*dsn=5\\.4\\.6, status=bounced \\(expansion of deep reads too many files\\)");
    suite.arrival(1, subject);
}

TEST_CASE("a system user's mail goes to the maildir in the home, or where .forward says", "[system][local][root]")
{
    if (!test::is_root()) {
        WARN("skipped: needs root");
        return;
    }
    auto& suite = shared();
    const std::string user = cat("buutatest", ::getpid());
    auto home = cat(suite.directory(), "/", user);
    REQUIRE(suite.run(cat("PATH=$PATH:/usr/sbin; useradd --no-log-init --user-group --create-home --home-dir ", home, " ", user)).status == 0);
    struct Gone {
        std::string command;
        ~Gone() { test::run(command); }
    } gone{cat("PATH=$PATH:/usr/sbin; userdel -r ", user)};

    auto subject = test::unique();
    suite.send(test::message(subject), {user + "@mail.example.test"});
    suite.log_line(cat("to=<", user, "@mail\\.example\\.test>, relay=local,.*status=sent \\(delivered to maildir\\)"));
    CHECK(suite.messages(home + "/Maildir").size() == 1);
    CHECK(suite.run(cat("stat -c %U ", home, "/Maildir/new/*")).output == user + "\n");

    REQUIRE(suite.run(cat("printf '%s\\n' '\\", user, "' user9@example.test '\"|id -un > ", suite.directory(), "/evidence/who\"' > ", home, "/.forward; chown ", user,
                          " ", home, "/.forward")).status == 0);
    subject = test::unique();
    suite.send(test::message(subject), {user + "@mail.example.test"});
    suite.arrival(9, subject);
    CHECK(test::wait_for(home + "/Maildir/new", [&] { return suite.messages(home + "/Maildir").size() == 2; }));
    CHECK(test::wait_for(suite.directory() + "/evidence", [&] {
        auto who = read_file(suite.directory() + "/evidence/who");
        return who && *who == user + "\n";
    }));
}

TEST_CASE("nothing is delivered as root, and the log tells what to do", "[system][local][root]")
{
    if (!test::is_root()) {
        WARN("skipped: needs root");
        return;
    }
    auto& suite = shared();
    auto id = suite.send(test::message(test::unique()), {"root@mail.example.test"});
    suite.log_line(cat(id, ": to=<root@mail\\.example\\.test>, .*dsn=4\\.3\\.5, status=deferred \\(nothing is delivered as root: an alias \\(\"root: somebody\""));
    CHECK_FALSE(std::filesystem::exists("/root/Maildir"));
    CHECK(suite.tool(cat("postsuper -d ", id)).status == 0);
}

}  // namespace mta
