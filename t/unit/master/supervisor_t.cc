#include "master/supervisor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "ipc/message.h"
#include "net/stream.h"

using namespace mta;
using namespace mta::master;
using namespace std::chrono_literals;

namespace {

// A supervisor in a directory of its own whose daemons are shell scripts that write what they see to the file "trace".
class Instance {
public:
    Instance()
        : supervisor_(loop_, {[this] { ++settled; }, [this] { ++changed; }, [this] { gone = true; }}), child_(loop_, SIGCHLD, [this] { supervisor_.reap(); }),
          old_directory_(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    {
        char path[] = "/tmp/buuta-master-XXXXXX";
        REQUIRE(::mkdtemp(path));
        directory_ = path;
        REQUIRE(::chdir(path) == 0);
        REQUIRE(make_directories(cat(path, "/private"), 0755));
    }
    ~Instance()
    {
        supervisor_.end();
        run_until([this] { return gone; });
        (void)!::fchdir(old_directory_.get());
        (void)!std::system(cat("rm -rf ", directory_).c_str());
    }

    // A daemon that is ready at once and ends when it is told to; body: what it does in addition, before.
    void program(const std::string& name, std::string_view body = "")
    {
        auto path = cat(directory_, "/", name);
        auto text = cat("#!/bin/sh\nsay() { echo ", name, " \"$@\" >>", directory_, "/trace; }\n", body,
                        "\ntrap 'say int; exit 0' INT\ntrap 'say term; exit 0' TERM\nsay start\nprintf R >&3\nwhile :; do sleep 0.02; done\n");
        REQUIRE(replace_file(path, text, 0755));
    }

    Job job(const std::string& name, bool is_single = false) const
    {
        return {cat(name, "/unix"), cat(directory_, "/", name), {"-n", name}, {Socket{std::nullopt, cat("private/", name), 0600}},
                is_single, 0s, "master.cf, line 1"};
    }

    Result<void> apply(std::vector<Job> jobs, Supervisor::Settings settings = {{{"PATH=/usr/bin:/bin"}, false}, 50ms, 5000ms, std::nullopt})
    {
        return supervisor_.apply({std::move(jobs), {}, {}}, std::move(settings));
    }

    bool run_until(const std::function<bool()>& condition, std::chrono::milliseconds limit = 10s)
    {
        auto deadline = std::chrono::steady_clock::now() + limit;
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            mta::event::Timer tick(loop_, [this] { loop_.stop(); });
            tick.start(5ms);
            loop_.run();
        }
        return condition();
    }

    std::string trace() const
    {
        auto text = read_file(cat(directory_, "/trace"));
        return text ? *text : std::string();
    }
    bool run_until_traced(std::string_view text)
    {
        return run_until([&] { return trace().find(text) != std::string::npos; });
    }

    Supervisor& supervisor() { return supervisor_; }
    int settled = 0;
    int changed = 0;
    bool gone = false;

private:
    mta::event::Loop loop_;
    Supervisor supervisor_;
    mta::event::Signal child_;
    Fd old_directory_;
    std::string directory_;
};

long count(std::string_view text, std::string_view word)
{
    long number = 0;
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
        ++number;
    return number;
}

pid_t pid_in(const std::string& trace, std::string_view word)
{
    auto at = trace.rfind(word);
    REQUIRE(at != std::string::npos);
    auto rest = std::string_view(trace).substr(at + word.size());
    return parse_number<pid_t>(rest.substr(0, rest.find('\n'))).value_or(-1);
}

}  // namespace

TEST_CASE("a daemon gets exactly its descriptors, its arguments and a clean environment", "[master]")
{
    Instance instance;
    ::setenv("BUUTA_TEST_SECRET", "1", 1);
    Fd leaked(::open("/dev/null", O_RDONLY));  // without close-on-exec
    // The shell itself keeps its script open as descriptor 10 or above.
    instance.program("d", "say \"args $*\"; say \"secret $BUUTA_TEST_SECRET.\"; say \"umask $(umask)\"; ls /proc/$$/fd >fds");
    REQUIRE(instance.apply({instance.job("d")}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    auto trace = instance.trace();
    CHECK(trace.find("d args -n d\n") != std::string::npos);
    CHECK(trace.find("d secret .\n") != std::string::npos);
    CHECK(trace.find("d umask 0077\n") != std::string::npos);
    auto descriptors = read_file("fds");
    REQUIRE(descriptors);
    std::vector<std::string> own;
    for (auto fd : split_words(*descriptors))
        if (fd.size() == 1)
            own.emplace_back(fd);
    CHECK(join(own, " ") == "0 1 2 3 4");
    CHECK(instance.supervisor().failing().empty());
    ::unsetenv("BUUTA_TEST_SECRET");
}

TEST_CASE("a daemon that is killed is started again", "[master]")
{
    Instance instance;
    instance.program("d", "say \"pid $$\"");
    REQUIRE(instance.apply({instance.job("d")}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    auto pid = pid_in(instance.trace(), "d pid ");
    REQUIRE(::kill(pid, SIGKILL) == 0);
    CHECK(instance.run_until([&] { return count(instance.trace(), "d start") == 2; }));
    CHECK(pid_in(instance.trace(), "d pid ") != pid);
    CHECK(instance.run_until([&] { return instance.supervisor().failing().empty(); }));
}

TEST_CASE("a daemon that fails at its start counts as tried, and is tried again", "[master]")
{
    Instance instance;
    instance.program("good");
    instance.program("bad", "say try; [ -e fixed ] || exit 3");
    REQUIRE(instance.apply({instance.job("bad"), instance.job("good")}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    CHECK(instance.supervisor().failing().size() == 1);
    REQUIRE(instance.run_until([&] { return count(instance.trace(), "bad try") >= 2; }));
    REQUIRE(replace_file("fixed", "", 0644));
    CHECK(instance.run_until([&] { return instance.supervisor().failing().empty(); }));
    CHECK(instance.settled == 1);
    CHECK(instance.changed > 0);
}

TEST_CASE("a program that cannot be run at all is a failure, too", "[master]")
{
    Instance instance;
    REQUIRE(instance.apply({instance.job("missing")}));
    CHECK(instance.run_until([&] { return instance.settled == 1; }));
    CHECK(instance.supervisor().unready().size() == 1);
}

TEST_CASE("at reload the new daemon is there before the old one has finished", "[master]")
{
    Instance instance;
    instance.program("d", "trap 'say busy; while [ ! -e done ]; do sleep 0.02; done; say finished; exit 0' TERM; say start; printf R >&3; "
                          "while :; do sleep 0.02; done");
    REQUIRE(instance.apply({instance.job("d")}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    REQUIRE(instance.apply({instance.job("d")}));
    REQUIRE(instance.run_until_traced("busy"));
    CHECK(instance.run_until([&] { return count(instance.trace(), "d start") == 2; }));
    CHECK(instance.settled == 2);
    CHECK(instance.trace().find("finished") == std::string::npos);
    REQUIRE(replace_file("done", "", 0644));
    CHECK(instance.run_until_traced("finished"));
}

TEST_CASE("who has clients to go on with is told of a reload by another signal than of a stop", "[master]")
{
    Instance instance;
    instance.program("d", "trap 'say hup' HUP");
    auto job = instance.job("d");
    job.serves_on = true;
    REQUIRE(instance.apply({job}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    REQUIRE(instance.apply({job}));
    REQUIRE(instance.run_until_traced("hup"));
    CHECK(instance.run_until([&] { return count(instance.trace(), "d start") == 2; }));
    CHECK(instance.trace().find("term") == std::string::npos);
    instance.supervisor().drain();
    CHECK(instance.run_until([&] { return instance.gone; }));
    CHECK(count(instance.trace(), "d term") == 2);
}

TEST_CASE("of a service with one process there are never two", "[master]")
{
    Instance instance;
    instance.program("d", "trap 'say busy; while [ ! -e done ]; do sleep 0.02; done; say finished; exit 0' TERM; say start; printf R >&3; "
                          "while :; do sleep 0.02; done");
    REQUIRE(instance.apply({instance.job("d", true)}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    REQUIRE(instance.apply({instance.job("d", true)}));
    REQUIRE(instance.run_until_traced("busy"));
    CHECK_FALSE(instance.run_until([&] { return count(instance.trace(), "d start") == 2; }, 200ms));
    REQUIRE(replace_file("done", "", 0644));
    CHECK(instance.run_until([&] { return instance.settled == 2; }));
    auto trace = instance.trace();
    CHECK(trace.find("finished") < trace.rfind("d start"));
}

TEST_CASE("a reload keeps sockets open with the clients that wait on them, and closes those of removed services", "[master]")
{
    Instance instance;
    instance.program("a");
    instance.program("b");
    instance.program("c");
    REQUIRE(instance.apply({instance.job("a"), instance.job("b")}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    auto client = net::connect_unix("private/a", 1s);
    REQUIRE(client);
    REQUIRE(instance.apply({instance.job("c"), instance.job("a")}));
    CHECK(instance.run_until_traced("b term"));
    CHECK(instance.run_until([&] { return instance.settled == 2; }));
    net::Stream stream(*std::move(client));
    CHECK_FALSE(stream.wait_readable(50ms));  // an end of file would say that the queue of the socket was lost
    CHECK(net::connect_unix("private/c", 1s));
    CHECK_FALSE(net::connect_unix("private/b", 1s));
    CHECK(instance.supervisor().size() == 2);
}

TEST_CASE("a socket that cannot be bound leaves everything as it was", "[master]")
{
    Instance instance;
    instance.program("a");
    instance.program("b");
    REQUIRE(instance.apply({instance.job("a")}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    auto broken = instance.job("b");
    broken.sockets.push_back(Socket{std::nullopt, "missing/b", 0600});
    auto applied = instance.apply({broken});
    REQUIRE_FALSE(applied);
    CHECK(applied.error().text.find("missing/b") != std::string::npos);
    CHECK_FALSE(exists("private/b"));
    CHECK(net::connect_unix("private/a", 1s));
    CHECK(instance.trace() == "a start\n");
    CHECK(instance.supervisor().size() == 1);
}

TEST_CASE("at the start a port that is in use is waited for, but not for ever", "[master]")
{
    Fd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(other.get(), 1) == 0);
    Sockets sockets;
    std::vector<Socket> wanted{{net::Endpoint::local_of(other.get()), "", 0}};
    auto opened = sockets.open(wanted);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().text.find("Address already in use (does another mail server run?)") != std::string::npos);
    auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(sockets.open(wanted, 200ms));
    CHECK(std::chrono::steady_clock::now() - begin >= 200ms);
    other.reset();
    CHECK(sockets.open(wanted, 200ms));
}

TEST_CASE("draining ends when all processes have ended", "[master]")
{
    Instance instance;
    instance.program("a");
    instance.program("b");
    REQUIRE(instance.apply({instance.job("a"), instance.job("b")}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    instance.supervisor().drain();
    CHECK(instance.run_until([&] { return instance.gone; }));
    CHECK(count(instance.trace(), "term") == 2);
    CHECK_FALSE(exists("private/a"));
}

TEST_CASE("who does not drain in time is ended, and at last killed", "[master]")
{
    Instance instance;
    instance.program("slow", "trap 'say ignored' TERM; trap 'say int; exit 0' INT; say start; printf R >&3; while :; do sleep 0.02; done");
    instance.program("deaf", "trap '' TERM INT; say start; printf R >&3; while :; do sleep 0.02; done");
    REQUIRE(instance.apply({instance.job("slow"), instance.job("deaf")}, {{{"PATH=/usr/bin:/bin"}, false}, 1s, 100ms, std::nullopt}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    instance.supervisor().drain();
    CHECK(instance.run_until_traced("slow int"));
    CHECK(instance.trace().find("slow ignored") != std::string::npos);
    CHECK(instance.run_until([&] { return instance.gone; }));
}

TEST_CASE("a service with a wakeup time hears of it on its socket", "[master]")
{
    Instance instance;
    instance.program("d");
    auto job = instance.job("d");
    job.wakeup = 1s;
    REQUIRE(instance.apply({job}));
    REQUIRE(instance.run_until([&] { return instance.settled == 1; }));
    // The script does not accept, so that we can take the connection from the same socket.
    auto descriptor = [] {
        for (int fd = 3; fd < 64; ++fd) {
            sockaddr_un name{};
            socklen_t size = sizeof name;
            if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 && name.sun_family == AF_UNIX && std::string_view(name.sun_path) == "private/d")
                return fd;
        }
        return -1;
    }();
    REQUIRE(descriptor >= 0);
    Fd connection;
    REQUIRE(instance.run_until([&] {
        if (!connection)
            connection.reset(::accept(descriptor, nullptr, nullptr));
        return bool(connection);
    }));
    net::Stream stream(std::move(connection));
    ipc::Message message;
    auto bytes = std::string(stream.peek(net::Seconds(5)));
    auto taken = ipc::Message::take(bytes, message);
    REQUIRE(taken);
    CHECK(*taken == bytes.size());
    CHECK(message.find("request") == "wakeup");
}

TEST_CASE("import_environment keeps what it names and sets what it gives", "[master]")
{
    ::setenv("BUUTA_TEST_KEPT", "yes", 1);
    auto environment = make_environment({"BUUTA_TEST_KEPT", "BUUTA_TEST_MISSING", "LANG=C"});
    CHECK(environment == std::vector<std::string>{"BUUTA_TEST_KEPT=yes", "LANG=C"});
    ::unsetenv("BUUTA_TEST_KEPT");
}
