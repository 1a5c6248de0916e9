#include "local/mbox.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "t/unit/table/scratch.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

// Appends a message as local does.
Result<void> append(const table::Scratch& scratch, const std::string& path, const std::string& message, std::uint64_t claimed = 0)
{
    auto file = scratch.write("message", message);
    Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    deliver::ContentForm form;
    form.quotes_from = true;
    form.ends_with_blank_line = true;
    deliver::Content content("From me Mon\n", fd.get(), 0, claimed ? claimed : message.size(), form);
    return local::append_to_mbox(path, content);
}

// What a function returns in a child, so that its locks and limits are another process's.
template <class Function>
pid_t in_child(Function function)
{
    auto pid = ::fork();
    if (pid == 0)
        ::_exit(function());
    return pid;
}

}  // namespace

TEST_CASE("messages are appended to an mbox, From lines quoted", "[local]")
{
    table::Scratch scratch;
    auto path = scratch.path("box");
    REQUIRE(append(scratch, path, "A: b\n\nFrom here\n>From there\nno end"));
    CHECK(scratch.read("box") == "From me Mon\nA: b\n\n>From here\n>From there\nno end\n\n");
    REQUIRE(append(scratch, path, "C: d\n"));
    CHECK(scratch.read("box").ends_with("\n\nFrom me Mon\nC: d\n\n"));
    struct stat status;
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(::access((path + ".lock").c_str(), F_OK) != 0);
}

TEST_CASE("an mbox is as it was when a message cannot be written, or read, to its end", "[local]")
{
    table::Scratch scratch;
    auto path = scratch.write("box", "before\n");
    CHECK_FALSE(append(scratch, path, "short", 1000));
    CHECK(scratch.read("box") == "before\n");
    auto child = in_child([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{100000, 100000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        return append(scratch, path, std::string(90000, 'x') + "\n") ? 0 : 1;
    });
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(scratch.read("box").starts_with("before\nFrom"));  // fits
    auto before = scratch.read("box");
    child = in_child([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{100000, 100000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        return append(scratch, path, std::string(90000, 'y') + "\n") ? 0 : 1;
    });
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 1);
    CHECK(scratch.read("box") == before);
}

TEST_CASE("an mbox that another program has locked is waited for", "[local]")
{
    table::Scratch scratch;
    auto path = scratch.write("box", "");
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    auto child = in_child([&] {
        int fd = ::open(path.c_str(), O_RDWR | O_APPEND);
        struct flock range {};
        range.l_type = F_WRLCK;
        ::fcntl(fd, F_SETLK, &range);
        (void)!::write(ready[1], "r", 1);
        ::usleep(300000);
        (void)!::write(fd, "other\n", 6);
        return 0;
    });
    char byte;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    REQUIRE(append(scratch, path, "x\n"));
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    CHECK(scratch.read("box").starts_with("other\nFrom me"));
}

TEST_CASE("a stale lock file is removed", "[local]")
{
    table::Scratch scratch;
    auto path = scratch.write("box", "");
    auto lock = scratch.write("box.lock", "");
    timespec old[2] = {{1, 0}, {1, 0}};
    REQUIRE(::utimensat(AT_FDCWD, lock.c_str(), old, 0) == 0);
    CHECK(append(scratch, path, "x\n"));
    CHECK(::access(lock.c_str(), F_OK) != 0);
}

TEST_CASE("only plain files with one name take mail, and /dev/null", "[local]")
{
    table::Scratch scratch;
    auto target = scratch.write("target", "t");
    REQUIRE(::symlink(target.c_str(), scratch.path("link").c_str()) == 0);
    REQUIRE(::mkfifo(scratch.path("fifo").c_str(), 0600) == 0);
    CHECK_FALSE(append(scratch, scratch.path("link"), "x\n"));
    CHECK_FALSE(append(scratch, scratch.path("fifo"), "x\n"));
    REQUIRE(::link(target.c_str(), scratch.path("second").c_str()) == 0);
    CHECK_FALSE(append(scratch, scratch.path("second"), "x\n"));
    CHECK_FALSE(append(scratch, "/dev/full", "x\n"));
    CHECK(scratch.read("target") == "t");
    CHECK(append(scratch, "/dev/null", "x\n"));
}
