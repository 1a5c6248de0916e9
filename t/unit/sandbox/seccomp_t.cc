#include "sandbox/seccomp.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "sandbox/sandbox.h"
#include "t/unit/sandbox/child.h"

using namespace mta;
using namespace mta::sandbox;

namespace {

constexpr int not_loaded = 99;
const std::string killed = "killed 31";  // SIGSYS

std::string with_filter(const Filter& filter, const std::function<int()>& act)
{
    return test::fate_of([&] {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        return filter.load() ? act() : not_loaded;
    });
}

std::string with_calls(const std::vector<Calls>& groups, const std::function<int()>& act)
{
    return with_filter(Filter::make(Filter::Kind::allow, calls_in(groups)), act);
}

int error_of(long result) { return result < 0 ? errno : 0; }

}  // namespace

TEST_CASE("a process is killed for a system call that is not in its list", "[sandbox]")
{
    if (is_sanitized)
        return;
    CHECK(with_calls({}, [] { return ::getpid() > 0 ? 7 : 8; }) == "7");
    CHECK(with_calls({}, [] { return static_cast<int>(::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0)); }) == killed);
    CHECK(with_calls({}, [] { return static_cast<int>(::syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)); }) == killed);
    CHECK(with_calls({}, [] { return static_cast<int>(::syscall(SYS_execve, "/bin/true", nullptr, nullptr)); }) == killed);
    CHECK(with_calls({}, [] { return static_cast<int>(::syscall(SYS_fork)); }) == killed);
}

TEST_CASE("some system calls are in the list with some arguments only", "[sandbox]")
{
    if (is_sanitized)
        return;
    struct Case {
        std::vector<Calls> groups;
        std::function<int()> act;
        std::string fate;
    };
    auto open = [](int flags) { return [flags] { return Fd(::open("/dev/null", flags, 0600)) ? 1 : 2; }; };
    auto socket = [](int domain, int type) { return [domain, type] { return ::socket(domain, type, 0) >= 0 ? 1 : 2; }; };
    auto map = [](int rights) { return [rights] { return ::mmap(nullptr, 4096, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 1 : 2; }; };
    const std::vector<Case> cases{
        {{}, open(O_RDONLY), killed},
        {{Calls::read_files}, open(O_RDONLY | O_CLOEXEC), "1"},
        {{Calls::read_files}, open(O_WRONLY), killed},
        {{Calls::read_files}, open(O_RDWR), killed},
        {{Calls::read_files}, open(O_RDONLY | O_CREAT), killed},
        {{Calls::read_files, Calls::write_files}, open(O_WRONLY), "1"},
        {{}, socket(AF_UNIX, SOCK_STREAM), killed},
        {{Calls::connect}, socket(AF_UNIX, SOCK_STREAM), "1"},
        {{Calls::connect}, socket(AF_INET, SOCK_STREAM), killed},
        {{Calls::internet}, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC), "1"},
        {{Calls::internet}, socket(AF_INET, SOCK_DGRAM), killed},
        {{Calls::internet}, socket(AF_NETLINK, SOCK_STREAM), killed},
        {{Calls::datagram}, socket(AF_INET6, SOCK_DGRAM), "1"},
        {{}, map(PROT_READ | PROT_WRITE), "1"},
        {{}, map(PROT_READ | PROT_EXEC), killed},
        {{}, [] { return ::kill(::getpid(), 0) == 0 ? 1 : 2; }, "1"},
        {{}, [] { return ::kill(::getppid(), 0) == 0 ? 1 : 2; }, killed},
        {{Calls::signal}, [] { return ::kill(::getppid(), 0) == 0 ? 1 : 2; }, "1"},
        {{}, [] { return static_cast<int>(::sendto(0, "", 0, MSG_FASTOPEN, nullptr, 0)); }, killed},
    };
    for (std::size_t i = 0; i < cases.size(); ++i) {
        INFO("case " << i);
        CHECK(with_calls(cases[i].groups, cases[i].act) == cases[i].fate);
    }
}

TEST_CASE("what the C library and debuggers try is not deadly", "[sandbox]")
{
    if (is_sanitized)
        return;
    constexpr long later_call = 500;
    CHECK(with_calls({}, [] { return error_of(::syscall(SYS_clone3, nullptr, 0)); }) == cat(ENOSYS));
    CHECK(with_calls({}, [] { return error_of(::syscall(later_call)); }) == cat(ENOSYS));
    CHECK(with_calls({}, [] { return error_of(::syscall(-1)); }) == cat(ENOSYS));
}

TEST_CASE("two filters hold both", "[sandbox]")
{
    if (is_sanitized)
        return;
    auto narrow = Filter::make(Filter::Kind::allow, calls_in({}));
    auto act = [&](long call) {
        return with_calls({Calls::enter, Calls::fork}, [&] { return narrow.load() ? static_cast<int>(::syscall(call, 0, 0, 0)) & 1 : not_loaded; });
    };
    CHECK(act(SYS_setresuid) == killed);
    CHECK(act(SYS_umask) != killed);
}

TEST_CASE("programs of others can do all but what nobody needs", "[sandbox]")
{
    if (is_sanitized)
        return;
    auto filter = Filter::make(Filter::Kind::forbid, never_needed());
    CHECK(with_filter(filter, [] { return error_of(::syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)); }) == cat(EPERM));
    CHECK(with_filter(filter, [] { return error_of(::unshare(CLONE_NEWUSER)); }) == cat(EPERM));
    CHECK(with_filter(filter, [] { return ::execl("/bin/sh", "sh", "-c", "exit $((`echo 3` + 4))", nullptr); }) == "7");
}
