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
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"
#include "service/keys.h"
#include "t/lib/message.h"
#include "t/lib/process.h"
#include "t/lib/suite.h"

// What a daemon can do when it is no longer ours: tried from inside, seen from outside, and with an attacker in it.
namespace mta {

namespace {

using List = std::vector<std::string>;

// Says why not, if this machine cannot show it.
bool is_testable()
{
    constexpr int knows_signals = 6;
    const char* lacks = sandbox::is_sanitized                                    ? "a build with sanitizers has no strict sandbox"
                        : sandbox::landlock_version() < knows_signals            ? "the kernel's Landlock is older than version 6"
                        : test::is_root() && !sandbox::can_leave_host()          ? "no namespaces can be made here"
                                                                                 : nullptr;
    if (lacks)
        WARN("skipped: " << lacks);
    return !lacks;
}

// A line of /proc/PID/status.
std::string status_of(pid_t pid, const std::string& field)
{
    auto text = read_file(cat("/proc/", pid, "/status"));
    auto at = text ? text->find(cat("\n", field, ":")) : std::string::npos;
    if (at == std::string::npos)
        return "";
    auto value = std::string_view(*text).substr(at + field.size() + 2);
    return std::string(trim(value.substr(0, value.find('\n'))));
}

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

struct Suspect {
    pid_t pid;
    std::string program;
};
std::vector<Suspect> suspects(const test::Suite& suite)
{
    std::vector<Suspect> found{{suite.master(), "master"}};
    for (const auto& process : test::descendants(suite.master()))
        if (process.state != 'Z')
            found.push_back({process.pid, process.program});
    return found;
}

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

pid_t parent_of(pid_t pid) { return parse_number<pid_t>(status_of(pid, "PPid")).value_or(0); }

bool is_alive(pid_t pid)
{
    auto state = status_of(pid, "State");
    return !state.empty() && !state.starts_with('Z') && !state.starts_with('X');
}

// An instance in which a daemon is a program of the attacker's.
class Drill {
public:
    explicit Drill(const std::string& taken_over) : suite_({{"daemon_directory", prepared(taken_over)}, {"imapd_worker_idle_time", "60s"}}) {}
    test::Suite& suite() { return suite_; }

private:
    std::string prepared(const std::string& taken_over)
    {
        const char* build = std::getenv("B");
        auto top = std::filesystem::absolute(build ? build : "build");
        for (const auto& entry : std::filesystem::directory_iterator(top / "bin")) {
            auto name = entry.path().filename();
            std::filesystem::create_symlink(name == taken_over ? top / "evil" / name : entry.path(), std::filesystem::path(programs_.path()) / name);
        }
        return programs_.path();
    }

    test::TemporaryDirectory programs_;
    test::Suite suite_;
};

std::string answer(test::Connection& attacker, const std::string& attempt)
{
    attacker.write(attempt + "\r\n");
    return attacker.line();
}

// A session in the smtpd that is the attacker's.
test::Connection attacker_in_smtpd(test::Suite& suite)
{
    auto connection = suite.smtp();
    connection.talk({{"", "220"}, {"EHLO attacker.example", "250"}, {"MAIL FROM:<a@attacker.example>", "250 taken over"}});
    return connection;
}

test::Connection attacker_in_imapd(test::Suite& suite, int number)
{
    test::Connection connection(suite.port("IMAP"));
    connection.line();
    connection.imap(cat("LOGIN ", suite.user(number), " ", suite.get(cat("PASS", number))));
    connection.write("noop\r\n");
    while (connection.line() != "no such attempt") {
    }
    return connection;
}

// As keys(8) calls it: by its public half. A file that is not there is made, with a certificate beside it.
std::string key_name(test::Suite& suite, const std::string& path)
{
    auto stem = path.substr(0, path.rfind('.'));
    if (!exists(path))
        REQUIRE(suite.run(cat("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj /CN=other.test -keyout ", path, " -out ", stem,
                              ".pem && cat ", path, " ", stem, ".pem > ", stem, ".chain && chmod 600 ", stem, ".*"))
                    .status == 0);
    auto sum = suite.run(cat("openssl pkey -in ", path, " -pubout -outform DER | sha256sum"));
    REQUIRE(sum.status == 0);
    return cat("tls/", sum.output.substr(0, 64));
}

}  // namespace

TEST_CASE("each daemon can do in its sandbox what the table says, and nothing else", "[system][sandbox]")
{
    if (!is_testable())
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
    if (!is_testable())
        return;
    test::Suite suite;
    auto subject = test::unique();
    suite.send(test::message(subject, "text\r\n"), {suite.user(1)});
    suite.arrival(1, subject);
    auto found = suspects(suite);
    CHECK(found.size() > 15);
    for (const auto& [pid, program] : found) {
        INFO(program << " " << pid);
        CHECK(status_of(pid, "NoNewPrivs") == "1");
        CHECK(status_of(pid, "Seccomp") == "2");
        CHECK(status_of(pid, "CapInh") == "0000000000000000");
        CHECK(status_of(pid, "CapAmb") == "0000000000000000");
    }
}

TEST_CASE("as root, every process has its user, its own root directory and network, and only its descriptors", "[system][sandbox][root]")
{
    if (!is_testable() || !test::is_root())
        return;
    test::Suite suite;
    auto subject = test::unique();
    suite.send(test::message(subject, "text\r\n"), {suite.user(1)});
    suite.arrival(1, subject);
    auto network = link_target(cat("/proc/", suite.master(), "/ns/net")), log = suite.get("LOG_FILE");
    for (const auto& [pid, program] : suspects(suite)) {
        INFO(program << " " << pid);
        bool is_root = status_of(pid, "Uid").starts_with("0\t");
        CHECK((!is_root || root_parents.contains(program) || program == "keys"));
        if (!is_root) {
            CHECK(status_of(pid, "CapEff") == "0000000000000000");
            CHECK(status_of(pid, "CapPrm") == "0000000000000000");
            CHECK(status_of(pid, "CapBnd") == "0000000000000000");
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
    for (const auto& [pid, program] : suspects(suite)) {
        INFO(program << " " << pid);
        CHECK(score_of(pid) == (for_all.contains(program) ? usual : std::min(usual + 200, 1000L)));
        seen.insert(program);
    }
    CHECK(seen.contains("front"));
    CHECK(seen.contains("smtpd"));
}

TEST_CASE("an attacker in smtpd reads no mail, reaches no daemon but its own, and breaks none", "[system][sandbox][drill]")
{
    if (!is_testable() || !test::is_root())
        return;
    Drill drill("smtpd");
    auto& suite = drill.suite();
    auto queue = suite.queue_directory();
    auto attacker = attacker_in_smtpd(suite);
    for (const auto& path : {suite.maildir(1), cat("/proc/1/root", suite.maildir(1)), cat(queue, "/active"), cat(queue, "/../mail"), std::string("/tmp")})
        CHECK(answer(attacker, cat("list ", path)).starts_with("no "));
    for (const auto& path : {std::string("/etc/shadow"), cat(suite.directory(), "/tls/key.pem"), cat(queue, "/pid/return.secret")})
        CHECK(answer(attacker, cat("read ", path)).starts_with("no "));
    for (const auto& socket : {"/private/virtual", "/private/local", "/private/auth", "/private/bounce", "/private/imap.session", "/public/qmgr", "/public/pickup"})
        CHECK(answer(attacker, cat("connect ", queue, socket)) == "no ENOENT");
    auto before = suspects(suite);
    for (const auto* service : {"cleanup", "rewrite", "dns"})
        CHECK(answer(attacker, cat("garbage ", queue, "/private/", service)) == "yes");
    for (const auto& attempt : {cat("kill ", suite.master()), cat("tcp ", suite.port("IMAP")), std::string("link /etc/passwd /tmp/x")}) {
        auto another = attacker_in_smtpd(suite);
        another.write(attempt + "\r\n");
        CHECK(another.is_closed(std::chrono::seconds(20)));
        suite.log_line("smtpd.* killed by signal 31: its sandbox forbids what it did");
    }
    for (const auto& [pid, program] : before) {
        INFO(program << " " << pid);
        CHECK((program == "smtpd" || is_alive(pid)));
    }
    CHECK(!suite.has_log_line("(cleanup|trivial-rewrite|dns|qmgr)\\[?.* killed by signal"));
}

TEST_CASE("an attacker in front has nothing signed but what that service signs", "[system][sandbox][drill]")
{
    if (!is_testable() || !test::is_root())
        return;
    Drill drill("front");
    auto& suite = drill.suite();
    auto tls = suite.directory() + "/tls/";
    auto own_key = key_name(suite, tls + "key.pem"), other_key = key_name(suite, tls + "other.key");
    REQUIRE(suite.tool(cat("postconf -e imapd_tls_chain_files=", tls, "other.chain")).status == 0);
    suite.reload();
    auto secret = service::Secret::load(service::keys_secret_path(suite.queue_directory()));
    REQUIRE(secret);
    auto smtp = cat("127.0.0.1:", suite.port("SMTP")), imap = cat("127.0.0.1:", suite.port("IMAP"));
    auto ticket = service::keys_ticket(*secret, service::tls_key_set, smtp);  // which he finds in the memory
    test::Connection attacker(suite.port("SMTP"));
    CHECK(attacker.line() == "220 taken over");
    auto signature = [&](const std::string& service, const std::string& shown, const std::string& key) {
        return answer(attacker, cat("sign ", suite.queue_directory(), "/private/keys ", service, " ", shown, " ", key));
    };
    CHECK(signature(smtp, ticket, own_key) == "yes");
    CHECK(signature(smtp, ticket, other_key) == cat("no service ", smtp, " has no key ", other_key));
    CHECK(signature(smtp, ticket, cat("dkim/", own_key.substr(4))) == cat("no service ", smtp, " has no key dkim/", own_key.substr(4)));
    CHECK(signature(imap, ticket, other_key) == "no the connection was closed");
    CHECK(signature("mail.example.test", ticket, own_key) == "no the connection was closed");
    CHECK(signature(smtp, std::string(ticket.size(), '0'), own_key) == "no the connection was closed");
    suite.log_line("keys.* closing a connection: a signature for service .* was wanted without its ticket");
    attacker.write(cat("read ", tls, "key.pem\r\n"));
    CHECK(attacker.is_closed(std::chrono::seconds(20)));
    suite.log_line("front.* killed by signal 31: its sandbox forbids what it did");
}

TEST_CASE("an attacker in a user's imapd reads no other user's mail", "[system][sandbox][drill]")
{
    if (!is_testable())
        return;
    Drill drill("imapd");
    auto& suite = drill.suite();
    for (int number : {1, 2}) {
        auto subject = test::unique();
        suite.send(test::message(subject, "text\r\n"), {suite.user(number)});
        suite.arrival(number, subject);
    }
    auto foreign = cat(suite.maildir(2), "/new");
    auto file = std::filesystem::directory_iterator(foreign)->path().string();
    auto attacker = attacker_in_imapd(suite, 1);
    CHECK(answer(attacker, cat("list ", suite.maildir(1), "/new")) == "yes");
    CHECK(answer(attacker, cat("list ", foreign)) == "no EACCES");
    CHECK(answer(attacker, cat("read ", file)) == "no EACCES");
    CHECK(answer(attacker, cat("read ", suite.maildir(1), "/../user2/new/", file.substr(file.rfind('/') + 1))) == "no EACCES");
    CHECK(answer(attacker, cat("link ", file, " ", suite.maildir(1), "/new/stolen")).starts_with("no "));
    CHECK(answer(attacker, cat("read ", suite.directory(), "/etc/users")) == "no EACCES");
    CHECK(answer(attacker, cat("read /etc/passwd")) == "no EACCES");
    // Somebody else has put a link there.
    std::filesystem::create_symlink(foreign, cat(suite.maildir(1), "/.Link"));
    CHECK(answer(attacker, cat("list ", suite.maildir(1), "/.Link")) == "no EACCES");
    attacker.write(cat("kill ", suite.master(), "\r\n"));
    CHECK(attacker.is_closed(std::chrono::seconds(20)));
    suite.log_line("imapd.* killed by signal 31: its sandbox forbids what it did");
}

TEST_CASE("a worker that takes too much memory loses its session, and no other", "[system][sandbox][drill]")
{
    if (!is_testable())
        return;
    Drill drill("imapd");
    auto& suite = drill.suite();
    auto modest = attacker_in_imapd(suite, 1), greedy = attacker_in_imapd(suite, 2);
    CHECK(answer(greedy, "fill 100") == "yes");
    greedy.write("fill 300\r\n");
    CHECK(greedy.is_closed(std::chrono::seconds(20)));
    suite.log_line("imapd.*connection closed: std::bad_alloc");
    CHECK(answer(modest, "fill 100") == "yes");
    CHECK(!suite.has_log_line("imapd.* killed by signal"));
}

TEST_CASE("memory and files of each process are limited as its parameters say", "[system][sandbox]")
{
    if (!is_testable())
        return;
    test::Suite suite{{{"worker_memory_limit", "200000000"}, {"daemon_memory_limit", "3000000000"}, {"worker_file_limit", "300"},
                       {"smtpd_client_connection_total_limit", "1000"}, {"imapd_client_connection_total_limit", "none"}}};
    auto subject = test::unique();
    suite.send(test::message(subject, "text\r\n"), {suite.user(1)});
    suite.arrival(1, subject);
    const std::map<std::string, std::string> memory{{"cleanup", "200000000"}, {"smtpd", "200000000"}, {"qmgr", "3000000000"}, {"front", "3000000000"}};
    std::set<std::string> seen, fronts;
    for (const auto& [pid, program] : suspects(suite)) {
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
    if (!is_testable() || !test::is_root())
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
    for (const auto& [pid, program] : suspects(suite)) {
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
