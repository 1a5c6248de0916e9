#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "service/keys.h"
#include "t/lib/message.h"
#include "t/lib/suspects.h"

// What an attacker reaches who has taken over a daemon.
namespace mta {

namespace {

bool is_alive(pid_t pid)
{
    auto state = test::status_of(pid, "State");
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

TEST_CASE("an attacker in smtpd reads no mail, reaches no daemon but its own, and breaks none", "[system][sandbox][drill]")
{
    if (!test::has_sandbox() || !test::is_root())
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
    auto before = test::suspects(suite);
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
    if (!test::has_sandbox() || !test::is_root())
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
    if (!test::has_sandbox())
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
    if (!test::has_sandbox())
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

}  // namespace mta
