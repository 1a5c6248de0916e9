#include "net/stream.h"

#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "base/text.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

struct Pair {
    Pair()
    {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        ours.emplace(Fd(fds[0]));
        theirs = Fd(fds[1]);
    }
    void say(std::string_view bytes) const { REQUIRE(::write(theirs.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())); }
    std::optional<net::Stream> ours;
    Fd theirs;
};

net::Lost::Kind lost(const std::function<void()>& action)
{
    try {
        action();
    } catch (const net::Lost& error) {
        return error.kind;
    }
    FAIL("nothing was lost");
    return {};
}

}  // namespace

TEST_CASE("lines end in CRLF or LF, and their end is not part of them", "[net]")
{
    Pair pair;
    pair.say("one\r\ntwo\nthree\r\r\n\r\n");
    CHECK(pair.ours->line(5s) == "one");
    CHECK(pair.ours->line(5s) == "two");
    CHECK(pair.ours->line(5s) == "three\r");
    CHECK(pair.ours->line(5s).empty());
    pair.say("raw\r\n");
    CHECK(pair.ours->raw_line(5s) == "raw\r\n");
}

TEST_CASE("a line over the limit is an error, one of exactly that length is not", "[net]")
{
    Pair pair;
    pair.say("12345\r\n123456\r\n");
    CHECK(pair.ours->line(5s, 5) == "12345");
    CHECK(lost([&] { pair.ours->line(5s, 5); }) == net::Lost::Kind::too_long);
}

TEST_CASE("the limit is for the whole line, however it drips", "[net]")
{
    Pair pair;
    std::atomic<bool> over = false;
    std::thread dripping([&] {  // each byte comes long before the limit; only the line does not
        while (!over && ::send(pair.theirs.get(), "x", 1, MSG_NOSIGNAL) == 1)
            std::this_thread::sleep_for(20ms);
    });
    CHECK(lost([&] { pair.ours->line(1s, 1u << 30); }) == net::Lost::Kind::timeout);
    over = true;
    dripping.join();
}

TEST_CASE("the end of the stream is not a line", "[net]")
{
    Pair pair;
    pair.say("unfinished");
    pair.theirs.reset();
    CHECK(lost([&] { pair.ours->line(5s); }) == net::Lost::Kind::closed);
}

TEST_CASE("reading sends what was written before", "[net]")
{
    Pair pair;
    pair.ours->write("220 hello\r\n");
    CHECK_FALSE(pair.ours->wait_readable(10ms));
    char bytes[64];
    CHECK(std::string(bytes, static_cast<std::size_t>(::read(pair.theirs.get(), bytes, sizeof bytes))) == "220 hello\r\n");
}

TEST_CASE("bytes of a former owner come first", "[net]")
{
    Pair pair;
    pair.say("b\r\n");
    pair.ours->unread("a\r\n");
    CHECK(pair.ours->line(5s) == "a");
    CHECK(pair.ours->line(5s) == "b");
    pair.ours->unread("left");
    CHECK(pair.ours->take_buffered() == "left");
    CHECK_FALSE(pair.ours->has_buffered());
}

TEST_CASE("a peer that reads nothing is lost after the limit", "[net]")
{
    Pair pair;
    pair.ours->set_write_limit(1s);
    CHECK(lost([&] {
              for (int i = 0; i < 1000; ++i)
                  pair.ours->write(std::string(10000, 'x'));
          }) == net::Lost::Kind::timeout);
}

TEST_CASE("addresses and networks are read as people write them", "[net]")
{
    using net::Address, net::Network;
    CHECK(Address::parse("192.0.2.1")->literal() == "[192.0.2.1]");
    CHECK(Address::parse("2001:DB8::1")->literal() == "[IPv6:2001:db8::1]");
    CHECK(Address::parse("::ffff:192.0.2.1")->text() == "192.0.2.1");
    CHECK(Address::parse("192.0.2.1")->reverse_name() == "1.2.0.192.in-addr.arpa");
    for (const char* bad : {"", "192.0.2", "192.0.2.256", "[::1]", "::1%lo", "x"})
        CHECK_FALSE(Address::parse(bad));
    CHECK(Network::parse("192.0.2.0/24")->contains(*Address::parse("192.0.2.77")));
    CHECK_FALSE(Network::parse("192.0.2.0/24")->contains(*Address::parse("192.0.3.77")));
    CHECK(Network::parse("[2001:db8::]/32")->contains(*Address::parse("2001:db8:1::1")));
    CHECK_FALSE(Network::parse("0.0.0.0/0")->contains(*Address::parse("::1")));
    CHECK(Network::parse("192.0.2.1/24").error().text.find("192.0.2.0/24") != std::string::npos);
    for (const char* bad : {"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/x", "x/8"})
        CHECK_FALSE(Network::parse(bad));
}

TEST_CASE("who waits in another way does it after a second of silence, and only then", "[net]")
{
    Pair pair;
    auto give_up = [](int, net::Transport::Deadline) -> bool { throw net::Lost(net::Lost::Kind::stopped, "enough"); };
    CHECK(pair.ours->set_waiter(give_up) == nullptr);
    pair.say("at once\r\n");
    CHECK(pair.ours->line(60s) == "at once");
    CHECK_FALSE(pair.ours->wait_readable(20ms));
    pair.say("taken");
    CHECK(pair.ours->wait_readable(60s));
    CHECK(pair.ours->take_buffered() == "taken");
    auto start = std::chrono::steady_clock::now();
    CHECK(lost([&] { pair.ours->line(60s); }) == net::Lost::Kind::stopped);
    CHECK(lost([&] { pair.ours->wait_readable(60s); }) == net::Lost::Kind::stopped);
    CHECK(std::chrono::steady_clock::now() - start > 1500ms);
    CHECK(pair.ours->set_waiter(nullptr) != nullptr);
    CHECK(lost([&] { pair.ours->line(1s); }) == net::Lost::Kind::timeout);
    pair.ours->set_waiter(give_up);
    pair.theirs.reset();
    CHECK(pair.ours->wait_readable(60s));
    CHECK(lost([&] { pair.ours->line(60s); }) == net::Lost::Kind::closed);
}
