#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#include "base/file.h"
#include "host.h"

using namespace mta;
using namespace mta::notify::test;

namespace {

const std::string first(32, 'a'), second(32, 'b');

// The owner's side: the shared instance, with a watch of the host's directory.
struct Owner {
    explicit Owner(const Host& host) : peer(host.connect())
    {
        if (peer.ask("instance") == "none")
            REQUIRE(peer.ask("offer", "", "", Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))) == "instance");
        instance = std::move(peer.fd);
        REQUIRE(instance);
        watch = ::inotify_add_watch(instance.get(), host.directory().c_str(), IN_CREATE | IN_DELETE);
        REQUIRE(watch > 0);
    }
    Peer peer;
    Fd instance;
    int watch = -1;
};

void change(const Host& host, const std::string& name) { REQUIRE(replace_file(cat(host.directory(), "/", name), "", 0600)); }

}  // namespace

TEST_CASE("who waits for a directory is woken once by a change", "[notify]")
{
    Host host;
    Owner owner(host);
    REQUIRE(owner.peer.ask("register", first, cat(owner.watch)) == "registered");
    auto front = host.connect();
    front.send("watch", first);
    CHECK_FALSE(front.is_told(50ms));
    change(host, "x");
    CHECK(front.is_told(10s));
    change(host, "y");
    CHECK_FALSE(front.is_told(50ms));
}

TEST_CASE("all sessions of a uid share one inotify instance", "[notify]")
{
    Host host;
    Owner one(host), two(host);
    CHECK(one.watch == two.watch);  // numbers are an instance's own, and this is the second one of it if it is not the same
    auto late = host.connect();
    CHECK(late.ask("offer", "", "", Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))) == "instance");
    CHECK(::inotify_add_watch(late.fd.get(), host.directory().c_str(), IN_CREATE | IN_DELETE) == one.watch);
}

TEST_CASE("a watch that nobody needs any more is removed, and who made it notices", "[notify]")
{
    Host host;
    Owner owner(host);
    REQUIRE(owner.peer.ask("register", first, cat(owner.watch)) == "registered");
    REQUIRE(owner.peer.ask("register", second, cat(owner.watch)) == "registered");
    auto add = [&] { return ::inotify_add_watch(owner.instance.get(), host.directory().c_str(), IN_CREATE | IN_DELETE); };
    owner.peer.send("forget", first);
    CHECK(owner.peer.ask("instance") == "instance");  // all before it is done
    CHECK(add() == owner.watch);
    owner.peer.send("forget", second);
    CHECK(owner.peer.ask("instance") == "instance");
    CHECK(add() != owner.watch);
}

TEST_CASE("when front goes its keys go, too", "[notify]")
{
    Host host;
    Owner owner(host);
    REQUIRE(owner.peer.ask("register", first, cat(owner.watch)) == "registered");
    {
        auto front = host.connect();
        front.send("watch", first);
        CHECK_FALSE(front.is_told(50ms));
    }
    // A new front asks for a key that is gone: it is woken at once.
    auto front = host.connect();
    bool is_told = false;
    for (int i = 0; i < 100 && !is_told; ++i) {
        front.send("watch", first);
        is_told = front.is_told(50ms);
    }
    CHECK(is_told);
}

TEST_CASE("a stranger cannot end notify", "[notify]")
{
    Host host;
    auto stranger = host.connect();
    SECTION("with words that mean nothing")
    {
        CHECK(stranger.ask("sing") == "refused");
        CHECK(stranger.ask("register", "x", "1") == "refused");
        CHECK(stranger.ask("register", first, "1") == "refused");  // without an instance
        CHECK(stranger.ask("offer") == "refused");
        stranger.send("forget", "");
        CHECK(stranger.ask("watch", "") == "woken");
    }
    SECTION("with numbers that are none")
    {
        Owner owner(host);
        for (const char* watches : {"", "x", "-1", "0", "99999999999999", "1 2 3 4 5 6 7 8 9"})
            CHECK(owner.peer.ask("register", first, watches) == "refused");
    }
    SECTION("with another descriptor")
    {
        CHECK(stranger.ask("offer", "", "", Fd(::open("/dev/zero", O_RDONLY))) == "refused");
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        Fd writer(ends[1]);
        CHECK(stranger.ask("offer", "", "", Fd(ends[0])) == "refused");
        CHECK(stranger.ask("watch", first, "", Fd(::open("/dev/null", O_RDONLY))) == "woken");
    }
    SECTION("with bytes that are no message")
    {
        std::string bytes(200000, 'x');
        (void)!::send(stranger.socket(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        CHECK(stranger.answer() == "closed");
    }
    SECTION("by reading no answers")
    {
        for (int i = 0; i < 100000; ++i) {
            try {
                stranger.send("watch", first);
            } catch (const net::Lost&) {
                break;
            }
        }
    }
    CHECK(host.is_alive());
    CHECK(host.connect().ask("watch", first) == "woken");
}

// The owner of an instance has the same open file description: he can empty it and make reads from it wait.
TEST_CASE("an owner that takes the events away does not stop notify", "[notify]")
{
    Host host;
    Owner owner(host);
    REQUIRE(owner.peer.ask("register", first, cat(owner.watch)) == "registered");
    REQUIRE(::fcntl(owner.instance.get(), F_SETFL, 0) == 0);
    auto until = std::chrono::steady_clock::now() + 2s;
    const pid_t thief = ::fork();
    if (thief == 0) {
        char bytes[4096];
        while (::read(owner.instance.get(), bytes, sizeof bytes) > 0 || errno == EAGAIN)
            ::fcntl(owner.instance.get(), F_SETFL, 0);
        ::_exit(0);
    }
    for (int i = 0; std::chrono::steady_clock::now() < until; ++i) {
        change(host, cat(i % 10));
        ::unlink(cat(host.directory(), "/", i % 10).c_str());
    }
    CHECK(host.connect().ask("watch", second) == "woken");
    ::kill(thief, SIGKILL);
    ::waitpid(thief, nullptr, 0);
}

TEST_CASE("a uid has so many connections", "[notify]")
{
    Host host({{}, 3});
    auto one = host.connect(), two = host.connect();
    CHECK(one.ask("watch", first) == "woken");
    CHECK(two.ask("watch", first) == "woken");
    {
        auto three = host.connect();
        CHECK(three.ask("watch", first) == "woken");
        auto four = host.connect();
        CHECK(four.answer() == "closed");
    }
    bool is_served = false;
    for (int i = 0; i < 100 && !is_served; ++i)
        is_served = host.connect().ask("watch", first) == "woken";
    CHECK(is_served);
}
