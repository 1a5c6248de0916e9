#include "daemon/pool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "daemon/wait.h"
#include "net/stream.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

using Talk = void (*)(net::Stream& client);

// Until the client closes.
void hold(net::Stream& client)
{
    while (!client.peek(60s).empty())
        client.consume(client.peek(60s).size());
}

// Until the client closes, or is sent away for its silence.
void converse(net::Stream& client)
{
    try {
        while (daemon::wait_for_client(client.fd(), std::chrono::steady_clock::now() + 60s)) {
            client.write(cat("heard ", client.line(60s), "\n"));
            client.flush(10s);
        }
    } catch (const net::Lost& lost) {
        client.write(lost.kind == net::Lost::Kind::stopped ? "bye\n" : "lost\n");
    }
    client.flush(10s);
}

// A pool in a child process, whose workers answer each connection with their pid and then talk.
class Parent {
public:
    explicit Parent(daemon::WorkerPool::Settings settings, Talk talk = hold) : path_(cat("/tmp/buuta-pool-test.", ::getpid()))
    {
        listeners_.push_back(*net::listen_unix(path_, 0600));
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        master_.reset(ends[0]);
        Fd theirs(ends[1]);
        pid_ = ::fork();
        if (pid_ == 0) {
            master_.reset();
            daemon::WorkerPool pool(settings, listeners_, theirs.get(), [&](daemon::WorkerPool::Worker& worker) {
                for (long use = 0; use < settings.max_use; ++use) {
                    Fd client = worker.accept();
                    if (!client)
                        return;
                    net::Stream stream(std::move(client));
                    stream.write(cat(::getpid(), "\n"));
                    stream.flush(10s);
                    talk(stream);
                }
            });
            ::_exit(pool.run());
        }
    }
    ~Parent()
    {
        if (pid_ > 0) {
            ::kill(pid_, SIGINT);
            end();
        }
        ::unlink(path_.c_str());
    }

    struct Client {
        net::Stream stream;
        pid_t worker;
    };
    Client connect()
    {
        net::Stream stream(*net::connect_unix(path_, 10s));
        auto worker = *parse_number<pid_t>(stream.line(10s));
        return {std::move(stream), worker};
    }
    // True if a connection is not answered within a moment: all places are taken.
    bool is_full()
    {
        net::Stream stream(*net::connect_unix(path_, 10s));
        return !stream.wait_readable(200ms);
    }
    void signal(int number) { ::kill(pid_, number); }
    void lose_master() { master_.reset(); }
    int end()
    {
        int status = 0;
        ::waitpid(std::exchange(pid_, 0), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

private:
    std::string path_;
    std::vector<Fd> listeners_;
    Fd master_;
    pid_t pid_ = 0;
};

daemon::WorkerPool::Settings settings(long limit)
{
    daemon::WorkerPool::Settings s;
    s.service = "test";
    s.limit = limit;
    return s;
}

}  // namespace

TEST_CASE("each connection has a worker of its own, up to the limit", "[daemon]")
{
    Parent parent(settings(3));
    auto a = parent.connect(), b = parent.connect(), c = parent.connect();
    CHECK(a.worker != b.worker);
    CHECK(b.worker != c.worker);
    CHECK(parent.is_full());
}

TEST_CASE("an idle worker is used again, until it has had enough", "[daemon]")
{
    auto s = settings(1);
    s.max_use = 2;
    Parent parent(s);
    auto first = parent.connect().worker;
    auto second = parent.connect().worker;
    auto third = parent.connect().worker;
    CHECK(first == second);
    CHECK(second != third);
}

TEST_CASE("SIGTERM ends idle workers at once and lets busy ones finish", "[daemon]")
{
    Parent parent(settings(5));
    auto client = parent.connect();
    parent.signal(SIGTERM);
    client.stream.write("still here\n");
    client.stream.flush(10s);
    CHECK(::kill(client.worker, 0) == 0);
    { auto closed = std::move(client); }
    CHECK(parent.end() == 0);
}

TEST_CASE("a worker that dies of a signal ends its parent", "[daemon]")
{
    Parent parent(settings(5));
    auto client = parent.connect();
    ::kill(client.worker, SIGKILL);
    CHECK(parent.end() == 1);
}

TEST_CASE("SIGTERM, also the end of master, sends silent clients away; SIGHUP leaves them alone until then", "[daemon]")
{
    for (bool with_signal : {true, false}) {
        Parent parent(settings(5), converse);
        auto client = parent.connect();
        auto ask = [&](std::string_view text) {
            client.stream.write(cat(text, "\n"));
            return client.stream.line(10s);
        };
        CHECK(ask("first") == "heard first");
        parent.signal(SIGHUP);
        CHECK_FALSE(client.stream.wait_readable(200ms));
        CHECK(ask("second") == "heard second");
        with_signal ? parent.signal(SIGTERM) : parent.lose_master();
        CHECK(client.stream.line(10s) == "bye");
        CHECK(parent.end() == 0);
    }
}

TEST_CASE("the death of a worker leaves the clients of the others alone", "[daemon]")
{
    Parent parent(settings(5), converse);
    auto unlucky = parent.connect(), other = parent.connect();
    ::kill(unlucky.worker, SIGKILL);
    CHECK(parent.end() == 1);
    CHECK_FALSE(other.stream.wait_readable(200ms));
    other.stream.write("still here\n");
    CHECK(other.stream.line(10s) == "heard still here");
}

TEST_CASE("the end of master ends the parent", "[daemon]")
{
    Parent parent(settings(5));
    { auto client = parent.connect(); }
    parent.lose_master();
    CHECK(parent.end() == 0);
}

TEST_CASE("workers that cannot work are started again after a pause, not at once", "[daemon]")
{
    int ends[2], masters[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, masters) == 0);
    Fd begun(ends[0]), begin(ends[1]), master(masters[0]), theirs(masters[1]);
    pid_t parent = ::fork();
    if (parent == 0) {
        master.reset();
        std::vector<Fd> listeners;
        daemon::WorkerPool pool(settings(5), listeners, theirs.get(), [&](daemon::WorkerPool::Worker&) {
            (void)!::write(begin.get(), "x", 1);
            throw std::runtime_error("no memory");
        });
        ::_exit(pool.run());
    }
    char byte = 0;
    REQUIRE(::read(begun.get(), &byte, 1) == 1);
    auto first = std::chrono::steady_clock::now();
    for (int i = 0; i < 2; ++i)
        REQUIRE(::read(begun.get(), &byte, 1) == 1);
    CHECK(std::chrono::steady_clock::now() - first > 1s);
    ::kill(parent, SIGTERM);
    int status = 0;
    CHECK(::waitpid(parent, &status, 0) == parent);
    CHECK(status == 0);
}

TEST_CASE("many short connections at once are all served", "[daemon]")
{
    Parent parent(settings(10));
    std::vector<Parent::Client> clients;
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 8; ++i)
            clients.push_back(parent.connect());
        clients.clear();
    }
    SUCCEED();
}
