#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/suspects.h"

// What a daemon can do when it is no longer ours: tried from inside, and seen from outside.
namespace mta {

namespace {

using List = std::vector<std::string>;

std::string link_target(const std::string& path)
{
    std::error_code error;
    return std::filesystem::read_symlink(path, error).string();
}

// What its descriptors are, each kind once.
std::set<std::string> descriptors(pid_t pid)
{
    std::set<std::string> targets;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(cat("/proc/", pid, "/fd"), error))
        targets.insert(link_target(entry.path().string()));
    return targets;
}

const std::set<std::string> root_parents{"master", "local", "virtual", "imapd", "pop3d"};
const std::set<std::string> programs_of_others{"local", "pipe"};
const std::set<std::string> in_network{"master", "smtp", "lmtp", "dns", "local", "pipe"};
const std::set<std::string> in_root{"master", "lmtp", "local", "pipe", "imapd", "pop3d"};
const std::set<std::string> in_queue{"cleanup", "qmgr", "showq"};

// A line of /proc/PID/limits: the soft limit, which here is the hard one, too.
std::string limit_of(pid_t pid, const std::string& name)
{
    auto text = read_file(cat("/proc/", pid, "/limits"));
    auto at = text ? text->find("\n" + name) : std::string::npos;
    if (at == std::string::npos)
        return "";
    auto words = split_words(std::string_view(*text).substr(at + 1 + name.size(), 60));
    return words.size() >= 2 && words[0] == words[1] ? std::string(words[0]) : "";
}

pid_t parent_of(pid_t pid) { return parse_number<pid_t>(test::status_of(pid, "PPid")).value_or(0); }

}  // namespace

TEST_CASE("each daemon can do in its sandbox what the table says, and nothing else", "[system][sandbox]")
{
    if (!test::has_sandbox())
        return;
    auto& suite = test::common_suite();
    auto expected = read_file(test::is_root() ? "t/sandbox/expected" : "t/sandbox/expected.user");
    REQUIRE(expected);
    auto found = suite.run(cat("t/sandbox/matrix ", suite.get("BIN"), " ", suite.get("CONFIG_DIRECTORY"), " 2>&1"), "", std::chrono::seconds(120));
    REQUIRE(found.status == 0);
    auto want = split(*expected, '\n'), have = split(found.output, '\n');
    INFO(found.output);
    REQUIRE(want.size() == have.size());
    for (std::size_t i = 0; i < want.size(); ++i)
        CHECK(have[i] == want[i]);
}

TEST_CASE("from outside every process is seen to be in its sandbox", "[system][sandbox]")
{
    if (!test::has_sandbox())
        return;
    test::Suite suite;
    auto subject = test::unique();
    suite.send(test::message(subject, "text\r\n"), {suite.user(1)});
    suite.arrival(1, subject);
    auto found = test::suspects(suite);
    CHECK(found.size() > 15);
    for (const auto& [pid, program] : found) {
        INFO(program << " " << pid);
        CHECK(test::status_of(pid, "NoNewPrivs") == "1");
        CHECK(test::status_of(pid, "Seccomp") == "2");
        CHECK(test::status_of(pid, "CapInh") == "0000000000000000");
        CHECK(test::status_of(pid, "CapAmb") == "0000000000000000");
    }
}

TEST_CASE("as root, every process has its user, its own root directory and network, and only its descriptors", "[system][sandbox][root]")
{
    if (!test::has_sandbox() || !test::is_root())
        return;
    test::Suite suite;
    auto subject = test::unique();
    suite.send(test::message(subject, "text\r\n"), {suite.user(1)});
    suite.arrival(1, subject);
    auto network = link_target(cat("/proc/", suite.master(), "/ns/net")), log = suite.get("LOG_FILE");
    for (const auto& [pid, program] : test::suspects(suite)) {
        INFO(program << " " << pid);
        bool is_root = test::status_of(pid, "Uid").starts_with("0\t");
        CHECK((!is_root || root_parents.contains(program) || program == "keys"));
        if (!is_root) {
            CHECK(test::status_of(pid, "CapEff") == "0000000000000000");
            CHECK(test::status_of(pid, "CapPrm") == "0000000000000000");
            CHECK(test::status_of(pid, "CapBnd") == "0000000000000000");
        }
        if (is_root && program == "keys")
            continue;  // the process that opens the files of keys
        CHECK((link_target(cat("/proc/", pid, "/ns/net")) == network) == in_network.contains(program));
        CHECK(exists(cat("/proc/", pid, "/root/usr")) == in_root.contains(program));
        CHECK(exists(cat("/proc/", pid, "/root/proc/self")) == in_root.contains(program));
        for (const auto& target : descriptors(pid)) {
            INFO(target);
            bool is_no_file = target.find(":[") != std::string::npos || target.starts_with("anon_inode:") || target == "/dev/null" || target == "/";
            bool is_queue = in_queue.contains(program) && target.find("/queue/") != std::string::npos;
            bool is_known = is_no_file || is_queue || target == log || target.ends_with(".db") || target.ends_with("master.lock") || target.ends_with("/cleanup");
            CHECK((program == "master" || is_known));
        }
    }
}

TEST_CASE("when memory ends the kernel prefers a process that serves one client", "[system][sandbox]")
{
    const std::set<std::string> for_all{"master", "front", "qmgr", "keys", "auth", "dns", "notify"};
    test::Suite suite;
    auto score_of = [](pid_t pid) { return std::stol(*read_file(cat("/proc/", pid, "/oom_score_adj"))); };
    auto usual = score_of(suite.master());
    std::set<std::string> seen;
    for (const auto& [pid, program] : test::suspects(suite)) {
        INFO(program << " " << pid);
        CHECK(score_of(pid) == (for_all.contains(program) ? usual : std::min(usual + 200, 1000L)));
        seen.insert(program);
    }
    CHECK(seen.contains("front"));
    CHECK(seen.contains("smtpd"));
}

TEST_CASE("memory and files of each process are limited as its parameters say", "[system][sandbox]")
{
    if (!test::has_sandbox())
        return;
    test::Suite suite{{{"worker_memory_limit", "200000000"}, {"daemon_memory_limit", "3000000000"}, {"worker_file_limit", "300"},
                       {"smtpd_client_connection_total_limit", "1000"}, {"imapd_client_connection_total_limit", "none"}}};
    auto subject = test::unique();
    suite.send(test::message(subject, "text\r\n"), {suite.user(1)});
    suite.arrival(1, subject);
    const std::map<std::string, std::string> memory{{"cleanup", "200000000"}, {"smtpd", "200000000"}, {"qmgr", "3000000000"}, {"front", "3000000000"}};
    std::set<std::string> seen, fronts;
    for (const auto& [pid, program] : test::suspects(suite)) {
        INFO(program << " " << pid);
        bool is_worker = parent_of(pid) != suite.master();
        if (program == "front")
            fronts.insert(limit_of(pid, "Max open files"));
        if (!memory.contains(program) || (program != "qmgr" && program != "front" && !is_worker))
            continue;
        seen.insert(program);
        CHECK(limit_of(pid, "Max data size") == memory.at(program));
        CHECK((limit_of(pid, "Max open files") == "300") == is_worker);
    }
    CHECK(seen.size() == memory.size());
    CHECK(fronts.contains("4256"));
    CHECK(fronts.size() >= 2);
}

TEST_CASE("with mailbox_directories imapd and pop3d see nothing else of the host", "[system][sandbox][root]")
{
    if (!test::has_sandbox() || !test::is_root())
        return;
    test::Suite suite{{{"mailbox_directories", "$virtual_mailbox_base"}}};
    auto subject = test::unique();
    suite.send(test::message(subject, "text\r\n"), {suite.user(1)});
    suite.arrival(1, subject);
    test::Connection imap(suite.port("IMAP")), pop3(suite.port("POP3"));
    imap.line();
    imap.imap(cat("LOGIN ", suite.user(1), " ", suite.get("PASS1")));
    CHECK(imap.imap("SELECT INBOX").find("* 1 EXISTS") != std::string::npos);
    imap.imap("CREATE Kept");
    imap.imap("COPY 1 Kept");
    pop3.line();
    CHECK(pop3.command(cat("USER ", suite.user(1))).starts_with("+OK"));
    CHECK(pop3.command(cat("PASS ", suite.get("PASS1"))).starts_with("+OK"));
    CHECK(pop3.command("STAT").starts_with("+OK 1 "));
    std::set<std::string> seen;
    for (const auto& [pid, program] : test::suspects(suite)) {
        if (program != "imapd" && program != "pop3d")
            continue;
        INFO(program << " " << pid);
        seen.insert(program);
        CHECK(!exists(cat("/proc/", pid, "/root/etc")));
        CHECK(!exists(cat("/proc/", pid, "/root/usr")));
        CHECK(exists(cat("/proc/", pid, "/root", suite.maildir(1))));
    }
    CHECK(seen.size() == 2);
}

}  // namespace mta
