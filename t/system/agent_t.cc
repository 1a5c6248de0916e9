#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

// Delivery agents that do not do what they should.
namespace mta {

namespace {

// A command that tells its agent's process and then waits for a word.
class Waiter {
public:
    Waiter()
    {
        std::filesystem::permissions(directory_.path(), std::filesystem::perms::all);
        REQUIRE(::mkfifo((path("go")).c_str(), 0666) == 0);
        std::filesystem::permissions(path("go"), std::filesystem::perms(0666));
        go_.reset(::open(path("go").c_str(), O_RDWR | O_CLOEXEC));
        REQUIRE(replace_file(path("script"), cat("cd ", directory_.path(), "\necho $PPID > pid.new\nmv pid.new pid\nread word < go\necho done >> copies\n"), 0644));
    }
    std::string service() const { return cat("wait unix - n n - - pipe user=nobody argv=/bin/sh ", path("script")); }
    pid_t agent() const
    {
        REQUIRE(test::wait_for(directory_.path(), [&] { return exists(path("pid")); }));
        return static_cast<pid_t>(*parse_number<long>(trim(*read_file(path("pid")))));
    }
    void go() const { REQUIRE(write_all(go_.get(), "go\n")); }
    std::string copies() const { return *read_file(path("copies")); }

private:
    std::string path(const std::string& name) const { return cat(directory_.path(), "/", name); }
    test::TemporaryDirectory directory_;
    Fd go_;
};

}  // namespace

TEST_CASE("an agent that hangs holds up only its recipient, and what it does later counts once", "[system][queue][agent]")
{
    Waiter waiter;
    test::Suite suite({{"transport_maps", "inline:{ {wait.test=wait:} }"}, {"daemon_timeout", "2s"}}, waiter.service());
    auto subject = test::unique();
    auto id = suite.submit(test::message(subject), {"a@wait.test", "user1@example.test"});
    auto agent = waiter.agent();
    REQUIRE(::kill(agent, SIGSTOP) == 0);
    suite.arrival(1, subject);
    suite.log_line(cat("a delivery agent made no progress with ", id));
    suite.log_line(cat(id, ": to=<a@wait\\.test>, relay=none,.*status=deferred \\(delivery agent made no progress\\)"));
    REQUIRE(test::wait_for(suite.directory() + "/log", [&] { return suite.tool("postqueue -j").output.find("\"deferred\", \"queue_id\": \"" + id) != std::string::npos; }));
    CHECK(suite.tool("postqueue -i " + id).status == 0);
    suite.log_line(cat(id, ": skipped, still being delivered"));
    waiter.go();
    REQUIRE(::kill(agent, SIGCONT) == 0);
    suite.log_line(cat(id, ": to=<a@wait\\.test>, relay=wait,.*status=sent"));
    suite.log_line(cat(id, ": removed"));
    CHECK(waiter.copies() == "done\n");
}

}  // namespace mta
