#include "deliver/command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "sandbox/sandbox.h"

using namespace mta;
using namespace mta::deliver;
using namespace std::chrono_literals;

namespace {

Command shell(const std::string& script, std::chrono::seconds limit = 10s)
{
    return {{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin", "A=b"}, "/", limit};
}

Source text(std::string bytes, int times = 1)
{
    return [bytes = std::move(bytes), times]() mutable { return times-- > 0 ? bytes : std::string(); };
}

Outcome outcome(const Command& command, const Source& source = text("x\n")) { return judge(run_command(command, source), "cmd"); }

}  // namespace

TEST_CASE("a command reads the message and its output is kept on one line", "[deliver]")
{
    auto ended = run_command(shell("cat; echo; echo second"), text("first\r\n"));
    CHECK(ended.wait_status == 0);
    CHECK(ended.output == "first second");
}

TEST_CASE("a big message and much output do not block each other", "[deliver]")
{
    auto ended = run_command({{"cat"}, {"PATH=/usr/bin:/bin"}, "", 20s}, text(std::string(100000, 'a'), 50));
    CHECK(ended.wait_status == 0);
    CHECK(ended.output.size() == 4096);
}

TEST_CASE("a command that does not read its input may succeed", "[deliver]")
{
    CHECK(outcome(shell("exec 0<&-; exit 0"), text(std::string(100000, 'a'), 50)).action == Action::sent);
}

TEST_CASE("a command runs in its directory, with its environment, and has no other descriptors", "[deliver]")
{
    ::setenv("BUUTA_TEST_SECRET", "1", 1);
    Fd leaked(::open("/dev/null", O_RDONLY));  // without close-on-exec
    // ls itself opens the directory as the next descriptor, which is 3 if nothing was left open.
    auto ended = run_command(shell("pwd; echo $A$BUUTA_TEST_SECRET; exec ls /proc/self/fd"), text("x\n"));
    CHECK(ended.output == "/ b 0 1 2 3");
    ::unsetenv("BUUTA_TEST_SECRET");
}

TEST_CASE("a command that cannot be watched has not begun", "[deliver]")
{
    if (sandbox::is_sanitized)  // sanitizers look at memory through pipes of their own
        return;
    auto begun = cat("/tmp/buuta-begun-", ::getpid());
    const auto command = shell("echo >> " + begun);
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    auto few = limit;
    few.rlim_cur = static_cast<rlim_t>(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get());
    int refusals = 0;
    for (bool is_refused = true; is_refused; ++few.rlim_cur) {
        ::setrlimit(RLIMIT_NOFILE, &few);
        try {
            (void)run_command(command, text("x\n"));
            is_refused = false;
        } catch (const std::exception&) {
            ++refusals;
            while (::waitpid(-1, nullptr, 0) > 0) {
            }
            CHECK_FALSE(read_file(begun));
        }
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    (void)run_command(command, text("x\n"));
    CHECK(::unlink(begun.c_str()) == 0);
    CHECK(refusals >= 7);  // the pipes have six descriptors
}

TEST_CASE("blocked and ignored signals of the agent are not passed on", "[deliver]")
{
    sigset_t term, old;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &term, &old);
    auto ended = run_command(shell("kill -TERM $$; echo alive"), text("x\n"));
    ::sigprocmask(SIG_SETMASK, &old, nullptr);
    CHECK(ended.output.empty());
    CHECK(judge(ended, "cmd").text == "Command died with signal 15: \"cmd\"");
}

TEST_CASE("a command cannot start processes without end", "[deliver]")
{
    auto command = shell("grep processes /proc/self/limits");
    command.process_limit = 471;
    auto output = run_command(command, text("x\n")).output;
    CHECK(split_words(output) == std::vector<std::string_view>{"Max", "processes", "471", "471", "processes"});
}

TEST_CASE("a command that takes too long is killed with its children, and the mail is tried again", "[deliver]")
{
    auto begin = std::chrono::steady_clock::now();
    auto result = outcome(shell("echo working; sleep 60", 1s));
    CHECK(std::chrono::steady_clock::now() - begin < 30s);
    CHECK(result.action == Action::deferred);
    CHECK(result.text == "Command time limit exceeded: \"cmd\". Command output: working");
}

TEST_CASE("a command that prints without end is killed in time", "[deliver]")
{
    auto begin = std::chrono::steady_clock::now();
    auto result = outcome(shell("yes & yes & yes", 1s));
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
    CHECK(result.action == Action::deferred);
    CHECK(result.text.starts_with("Command time limit exceeded: \"cmd\". Command output: y y"));
}

TEST_CASE("a background process that keeps the output open does not hold the delivery", "[deliver]")
{
    auto begin = std::chrono::steady_clock::now();
    CHECK(outcome(shell("sleep 60 & echo started")).action == Action::sent);
    CHECK(std::chrono::steady_clock::now() - begin < 30s);
}

TEST_CASE("a command that cannot be run defers the mail", "[deliver]")
{
    auto result = outcome({{"/nonexistent/command"}, {}, "", 5s});
    CHECK(result.action == Action::deferred);
    CHECK(result.status == "4.3.0");
    CHECK(result.text == "cannot run command \"cmd\": exec: No such file or directory");
    CHECK(outcome({{"true"}, {"PATH=/usr/bin:/bin"}, "/nonexistent", 5s}).action == Action::deferred);
}

TEST_CASE("exit codes mean what sysexits.h says", "[deliver]")
{
    struct Case {
        const char* script;
        Action action;
        const char *status, *text;
    };
    const Case cases[] = {
        {"exit 0", Action::sent, "2.0.0", ""},
        {"exit 75", Action::deferred, "4.3.0", "temporary failure"},
        {"exit 71", Action::deferred, "4.3.0", "system resource problem"},
        {"exit 67", Action::bounced, "5.1.1", "user unknown"},
        {"exit 73", Action::bounced, "5.2.0", "can't create user output file"},
        {"exit 77", Action::bounced, "5.7.0", "permission denied"},
        {"echo who; exit 67", Action::bounced, "5.1.1", "user unknown. Command output: who"},
        {"exit 1", Action::bounced, "5.3.0", "Command died with status 1: \"cmd\""},
        {"echo oops; exit 9", Action::bounced, "5.3.0", "Command died with status 9: \"cmd\". Command output: oops"},
        {"echo 4.2.2 mailbox full; exit 1", Action::deferred, "4.2.2", "mailbox full"},
        {"echo 5.2.2 mailbox full; exit 75", Action::bounced, "5.2.2", "mailbox full"},
        {"echo 2.0.0 fine; exit 75", Action::deferred, "4.3.0", "temporary failure. Command output: 2.0.0 fine"},
        {"echo 5.2.2 unread; exit 0", Action::sent, "2.0.0", ""},
    };
    for (const auto& c : cases) {
        INFO(c.script);
        auto result = outcome(shell(c.script));
        CHECK(result.action == c.action);
        CHECK(result.status == c.status);
        CHECK(result.text == c.text);
    }
}

TEST_CASE("export_environment adds to the path and never replaces it", "[deliver]")
{
    ::setenv("BUUTA_TEST_KEPT", "yes", 1);
    auto environment = command_environment({"PATH", "BUUTA_TEST_KEPT", "BUUTA_TEST_MISSING", "LANG=C"});
    REQUIRE(environment.size() == 3);
    CHECK(environment[0].starts_with("PATH=/usr/bin"));
    CHECK(environment[1] == "BUUTA_TEST_KEPT=yes");
    CHECK(environment[2] == "LANG=C");
    ::unsetenv("BUUTA_TEST_KEPT");
}
