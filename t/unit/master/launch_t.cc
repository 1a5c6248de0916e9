#include "daemon/running.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "base/file.h"
#include "base/text.h"
#include "daemon/layout.h"
#include "master/launch.h"

using namespace mta;

namespace {

struct Directories {
    Directories()
    {
        char path[] = "/tmp/buuta-launch-XXXXXX";
        REQUIRE(::mkdtemp(path));
        root = path;
        queue = cat(root, "/queue");
        data = cat(root, "/data");
        layout = daemon::directories(queue, data);
    }
    ~Directories() { (void)!std::system(cat("rm -rf ", root).c_str()); }
    std::string root, queue, data;
    std::vector<daemon::Directory> layout;
};

daemon::Owner self() { return {::geteuid(), ::getegid()}; }

// The exit status that the caller of a launching daemon sees.
template <class Daemon>
int status_of_launch(master::Launch::Mode mode, const Daemon& daemon)
{
    std::cout.flush();  // else the children write it again
    pid_t pid = ::fork();
    if (pid == 0) {
        master::Launch launch(mode);
        daemon(launch);
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("the queue's directories are made once, checked, and repaired", "[master]")
{
    Directories where;
    REQUIRE(daemon::make_layout(where.layout, self()));
    CHECK(daemon::check_layout(where.layout, self()).empty());
    REQUIRE(::chmod(cat(where.queue, "/active").c_str(), 0777) == 0);
    REQUIRE(::rmdir(cat(where.queue, "/hold").c_str()) == 0);
    auto faults = daemon::check_layout(where.layout, self());
    REQUIRE(faults.size() == 2);
    CHECK(faults[0] == cat(where.queue, "/active: mode is 0777, must be 0700"));
    CHECK(faults[1] == cat(where.queue, "/hold: missing"));
    REQUIRE(daemon::make_layout(where.layout, self()));
    CHECK(daemon::check_layout(where.layout, self()).size() == 1);
    REQUIRE(daemon::repair_layout(where.layout, self()));
    CHECK(daemon::check_layout(where.layout, self()).empty());
}

TEST_CASE("a symbolic link in the place of a queue directory is refused", "[master]")
{
    Directories where;
    REQUIRE(daemon::make_layout(where.layout, self()));
    auto path = cat(where.queue, "/hold");
    REQUIRE(::rmdir(path.c_str()) == 0);
    REQUIRE(::symlink("/tmp", path.c_str()) == 0);
    CHECK(daemon::check_layout(where.layout, self()) == std::vector<std::string>{cat(path, ": not a directory")});
    CHECK_FALSE(daemon::repair_layout(where.layout, self()));
}

TEST_CASE("only one master can have a queue, and commands find it", "[master]")
{
    Directories where;
    REQUIRE(daemon::make_layout(where.layout, self()));
    CHECK_FALSE(daemon::running_master(where.queue, where.data));
    {
        auto lock = daemon::lock_master(where.queue, where.data);
        REQUIRE(lock);
        REQUIRE(replace_file(daemon::pid_file(where.queue), cat(::getpid(), "\n"), 0644));
        CHECK(daemon::running_master(where.queue, where.data) == ::getpid());
        auto second = daemon::lock_master(where.queue, where.data);
        REQUIRE_FALSE(second);
        CHECK(second.error().text == "the mail system is already running");
        auto other_data = cat(where.root, "/other");
        REQUIRE(make_directories(other_data, 0700));
        CHECK_FALSE(daemon::lock_master(where.queue, other_data));
    }
    CHECK_FALSE(daemon::running_master(where.queue, where.data));
}

TEST_CASE("the caller of master goes when it has started, or waits for all services", "[master]")
{
    using Mode = master::Launch::Mode;
    CHECK(status_of_launch(Mode::detach, [](auto& launch) { launch.initialized(); }) == 0);
    CHECK(status_of_launch(Mode::detach, [](auto&) {}) == 1);
    CHECK(status_of_launch(Mode::wait, [](auto& launch) {
              launch.initialized();
              launch.settled({});
          }) == 0);
    CHECK(status_of_launch(Mode::wait, [](auto& launch) {
              launch.initialized();
              launch.settled({"smtpd (master.cf, line 3)"});
          }) == 1);
    CHECK(status_of_launch(Mode::wait, [](auto& launch) { launch.initialized(); }) == 1);
    CHECK(status_of_launch(Mode::wait, [](auto&) {}) == 1);
}
