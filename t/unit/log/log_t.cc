#include "log/log.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <stdexcept>

#include "base/fd.h"

using namespace mta;

namespace {

void fail() { throw std::runtime_error("no room\nat all"); }

}  // namespace

TEST_CASE("an exception that nobody catches is a fatal error, not a death by a signal", "[log]")
{
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    Fd output(ends[0]), theirs(ends[1]);
    pid_t child = ::fork();
    if (child == 0) {
        ::dup2(theirs.get(), 2);
        log::open_stderr();
        log::set_tag("program");
        log::set_fatal_status(75);
        []() noexcept { fail(); }();
        ::_exit(0);
    }
    theirs.reset();
    char text[200];
    auto count = ::read(output.get(), text, sizeof text);
    REQUIRE(count > 0);
    CHECK(std::string(text, static_cast<std::size_t>(count)) == "program: fatal: no room?at all\n");
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 75);
}
