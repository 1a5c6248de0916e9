#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "base/file.h"
#include "sandbox/landlock.h"
#include "sandbox/root.h"
#include "sandbox/sandbox.h"
#include "t/unit/sandbox/child.h"

using namespace mta;
using namespace mta::sandbox;
using Use = Path::Use;

namespace {

// shown/{file,part/file}, writable/, secret
class Tree {
public:
    Tree()
    {
        char name[] = "/tmp/buuta-sandbox.XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        top = name;
        for (const auto* directory : {"/shown", "/shown/part", "/writable", "/writable/other"})
            REQUIRE(::mkdir((top + directory).c_str(), 0755) == 0);
        for (const auto* file : {"/shown/file", "/shown/part/file", "/writable/file", "/secret"})
            std::ofstream(top + file) << "text";
    }
    ~Tree() { std::filesystem::remove_all(top); }
    std::string top;

    std::string errors_in(const std::function<Result<void>()>& enter, const std::function<std::string(const std::string& top)>& act) const
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        Fd out(ends[0]), in(ends[1]);
        auto fate = test::fate_of([&] {
            auto entered = enter();
            auto text = entered ? act(top) : entered.error().text;
            return write_all(in.get(), text) ? 0 : 1;
        });
        in.reset();
        char bytes[256];
        auto count = ::read(out.get(), bytes, sizeof bytes);
        return fate == "0" && count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : fate;
    }
};

std::string open_error(const std::string& path, int flags = O_RDONLY)
{
    errno = 0;
    return Fd(::open(path.c_str(), flags | O_CLOEXEC, 0600)) ? "ok" : std::string(::strerrorname_np(errno));
}

}  // namespace

TEST_CASE("Landlock lets a process open what is below its paths, for what they are for", "[sandbox]")
{
    if (landlock_version() == 0) {
        WARN("this kernel has no Landlock");
        return;
    }
    Tree tree;
    Rules rules;
    rules.add(Use::read, tree.top + "/shown").add(Use::write, tree.top + "/writable").add(Use::read, tree.top + "/missing");
    auto enter = [&] {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        return restrict_with_landlock(rules);
    };
    auto found = tree.errors_in(enter, [](const std::string& top) {
        auto moved = ::rename((top + "/writable/file").c_str(), (top + "/writable/other/file").c_str()) == 0 ? "ok" : ::strerrorname_np(errno);
        return cat(open_error(top + "/shown/part/file"), " ", open_error(top + "/shown/file", O_WRONLY), " ", open_error(top + "/secret"), " ",
                   open_error(top + "/shown/../secret"), " ", open_error(top + "/writable/new", O_WRONLY | O_CREAT), " ", moved, " ", open_error("/etc/passwd"));
    });
    CHECK(found == "ok EACCES EACCES EACCES ok ok EACCES");
}

TEST_CASE("Landlock limits the ports of TCP connections", "[sandbox]")
{
    constexpr int has_ports = 4;
    if (landlock_version() < has_ports) {
        WARN("this kernel's Landlock knows no ports");
        return;
    }
    auto error = [](std::optional<std::vector<std::uint16_t>> ports, std::uint16_t port) {
        Rules rules;
        rules.ports = std::move(ports);
        return test::fate_of([&] {
            ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            if (!restrict_with_landlock(rules))
                return 99;
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_port = htons(port);
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
        });
    };
    CHECK(error(std::vector<std::uint16_t>{}, 1) == cat(EACCES));
    CHECK(error(std::vector<std::uint16_t>{2}, 1) == cat(EACCES));
    CHECK(error(std::vector<std::uint16_t>{1, 2}, 1) == cat(ECONNREFUSED));
    CHECK(error(std::nullopt, 1) == cat(ECONNREFUSED));
}

TEST_CASE("a process with a root directory of its own sees its paths, and nothing else", "[sandbox][root]")
{
    if (::geteuid() != 0 || is_sanitized || !can_leave_host()) {
        WARN("no namespaces can be made here");
        return;
    }
    Tree tree;
    Rules rules;
    rules.add(Use::read, tree.top + "/shown").add(Use::hide, tree.top + "/shown/part").add(Use::write, tree.top + "/writable");
    rules.add(Use::read, tree.top + "/missing");
    auto found = tree.errors_in([&] { return leave_host(rules); }, [](const std::string& top) {
        return cat(open_error(top + "/shown/file"), " ", open_error(top + "/shown/file", O_WRONLY), " ", open_error(top + "/shown/part/file"), " ",
                   open_error(top + "/secret"), " ", open_error(top + "/writable/new", O_WRONLY | O_CREAT), " ", open_error("/new", O_WRONLY | O_CREAT), " ",
                   open_error("/etc/passwd"), " ", open_error("/proc/self/status"), " ", open_error("/../etc/passwd"));
    });
    CHECK(found == "ok EROFS ENOENT ENOENT ok EROFS ENOENT ENOENT ENOENT");
    CHECK(exists(tree.top + "/writable/new"));
    CHECK(exists(tree.top + "/shown/part/file"));
}

TEST_CASE("a process without a network reaches nobody", "[sandbox][root]")
{
    if (::geteuid() != 0 || is_sanitized || !can_leave_host()) {
        WARN("no namespaces can be made here");
        return;
    }
    auto error = [](bool has_network) {
        Rules rules;
        rules.has_root = true;
        rules.has_network = has_network;
        return test::fate_of([&] {
            if (!leave_host(rules))
                return 99;
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_port = htons(1);
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
        });
    };
    CHECK(error(false) == cat(ENETUNREACH));
    CHECK(error(true) == cat(ECONNREFUSED));
}

TEST_CASE("capabilities that were given up do not come back", "[sandbox][root]")
{
    if (::geteuid() != 0)
        return;
    constexpr int sys_admin = 21;
    auto fate = test::fate_of([] {
        if (!limit_capabilities(capabilities_of_parents()))
            return 99;
        return ::prctl(PR_CAPBSET_READ, sys_admin) == 0 && ::setresuid(65534, 65534, 65534) == 0 ? 0 : 1;
    });
    CHECK(fate == "0");
}
