#include "event/event.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/fd.h"
#include "log/log.h"

using namespace mta;

namespace {

bool is_read_end(int fd)
{
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) && (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

// The pipe by which libevent hears of signals can no longer be read, though it is still waited for.
void damage_pipes_from(int first)
{
    constexpr int many = 64;
    int directory = ::open("/", O_RDONLY | O_DIRECTORY);
    for (int fd = first; fd < many; ++fd)
        if (is_read_end(fd)) {
            ::fcntl(fd, F_DUPFD, many);
            ::dup2(directory, fd);
        }
}

[[noreturn]] void run_with_damage(int output)
{
    ::dup2(output, 2);
    log::open_stderr();
    log::set_tag("program");
    int first = ::dup(2);  // no number below is the library's
    mta::event::Loop loop;
    mta::event::Signal signal(loop, SIGUSR1, [&] { ::_exit(0); });
    damage_pipes_from(first);
    ::raise(SIGUSR1);
    loop.run();
    ::_exit(0);
}

}  // namespace

TEST_CASE("a library that cannot go on says so in the log", "[event]")
{
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    Fd output(ends[0]), theirs(ends[1]);
    pid_t child = ::fork();
    if (child == 0)
        run_with_damage(theirs.get());
    theirs.reset();
    char text[200];
    auto count = ::read(output.get(), text, sizeof text);
    REQUIRE(count > 0);
    CHECK(std::string_view(text, static_cast<std::size_t>(count)).starts_with("program: fatal: libevent: "));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
}
