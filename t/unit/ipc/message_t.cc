#include "ipc/message.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <ctime>

#include "ipc/channel.h"
#include "ipc/peer.h"

using namespace mta;
using namespace mta::ipc;

namespace {

struct Item {
    std::string address;
    long number = 0;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("address", self.address);
        visit("number", self.number);
    }
    bool operator==(const Item&) const = default;
};

struct Example {
    std::string sender;
    bool urgent = false;
    std::vector<Item> items;
    std::vector<std::string> words;
    std::optional<std::string> note;
    long last = 0;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("sender", self.sender);
        visit("urgent", self.urgent);
        visit("items", self.items);
        visit("words", self.words);
        visit("note", self.note);
        visit("last", self.last);
    }
    bool operator==(const Example&) const = default;
};

Example example() { return {"a@b.example", true, {{"x", 1}, {"", -2}}, {"one", "", "three"}, "hi", 7}; }

std::pair<Fd, Fd> pair()
{
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    return {Fd(fds[0]), Fd(fds[1])};
}

}  // namespace

TEST_CASE("a message that announces more than it has costs no more than it is long", "[ipc]")
{
    Message message;
    message.add("sender", "a");
    message.add("urgent", "1");
    message.add("items", "15000");
    for (int i = 0; i < 6000; ++i)
        message.add("x", "filler");
    auto begin = std::clock();
    auto unpacked = unpack<Example>(message);
    REQUIRE_FALSE(unpacked);
    CHECK(unpacked.error().text == "bad message of another daemon: missing attribute address");
    CHECK(std::clock() - begin < CLOCKS_PER_SEC);  // it was much more
}

TEST_CASE("a struct survives the way through a message", "[ipc]")
{
    CHECK(*unpack<Example>(pack(example())) == example());
    Example without;
    CHECK(*unpack<Example>(pack(without)) == without);
}

TEST_CASE("unknown attributes are skipped, missing and bad ones are errors", "[ipc]")
{
    Message message;
    message.add("colour", "red");
    message.add("address", "x");
    message.add("number", "5");
    message.add("future", "");
    CHECK(unpack<Item>(message)->number == 5);
    Message missing;
    missing.add("address", "x");
    CHECK(unpack<Item>(missing).error().text.find("missing attribute number") != std::string::npos);
    Message bad;
    bad.add("address", "x");
    bad.add("number", "5x");
    CHECK(unpack<Item>(bad).error().text.find("bad number") != std::string::npos);
    Message huge;
    huge.add("sender", "");
    huge.add("urgent", "0");
    huge.add("items", "99999999999");
    CHECK_FALSE(unpack<Example>(huge));
}

TEST_CASE("a value cannot forge another attribute", "[ipc]")
{
    Item item{std::string("x\0number\0" "9", 10), 1};
    CHECK(unpack<Item>(pack(item))->number == 1);
}

TEST_CASE("messages are taken from any division into pieces", "[ipc]")
{
    auto bytes = pack(example()).encoded() + pack(Item{"y", 3}).encoded();
    const auto first = pack(example()).encoded().size();
    Message message;
    Message::Progress progress;
    for (std::size_t have = 0; have < first; ++have) {
        CHECK(*Message::take(std::string_view(bytes).substr(0, have), message) == 0);
        CHECK(*Message::take(std::string_view(bytes).substr(0, have), message, progress) == 0);
    }
    CHECK(*Message::take(bytes, message, progress) == first);
    CHECK(*unpack<Example>(message) == example());
    auto size = *Message::take(bytes, message);
    CHECK(*unpack<Example>(message) == example());
    CHECK(*Message::take(std::string_view(bytes).substr(size), message) == bytes.size() - size);
    CHECK(unpack<Item>(message)->address == "y");
}

TEST_CASE("a message over the limit is an error, complete or not", "[ipc]")
{
    Message message, into;
    message.add("sender", std::string(max_message_bytes, 'x'));
    CHECK_FALSE(Message::take(message.encoded(), into));
    CHECK_FALSE(Message::take(message.body().substr(0, max_message_bytes + 1), into));
}

TEST_CASE("a channel carries messages, descriptors and bodies", "[ipc]")
{
    auto [a, b] = pair();
    Channel left(std::move(a)), right(std::move(b));
    auto first = pack(Item{"first", 1});
    auto second = pack(Item{"second", 2});
    second.fd.reset(::dup(0));
    left.send(first);
    left.send(second);
    left.send_chunk("hello ");
    left.send_chunk(std::string(70000, 'x'));
    left.end_body();
    left.send(first);
    using namespace std::chrono_literals;
    CHECK_THROWS_AS(left.receive(1s), net::Lost);
    CHECK(unpack<Item>(*right.receive(5s))->address == "first");
    auto received = right.receive(5s);
    CHECK(received->fd);
    CHECK(unpack<Item>(*received)->address == "second");
    std::string body;
    for (auto chunk = right.receive_chunk(5s); !chunk.empty(); chunk = right.receive_chunk(5s))
        body += chunk;
    CHECK(body == "hello " + std::string(70000, 'x'));
    CHECK_FALSE(right.receive(5s)->fd);
    { Channel gone(left.release()); }
    CHECK_FALSE(right.receive(5s));
}

TEST_CASE("a caller gets each answer, also out of order and after a lost connection", "[ipc]")
{
    mta::event::Loop loop;
    auto path = cat("/tmp/buuta-ipc-test.", ::getpid());
    auto listener = *net::listen_unix(path, 0600);
    std::vector<Server::Reply> held;
    auto serve = [&](Message request, Server::Reply reply) {
        auto item = *unpack<Item>(request);
        if (item.number == 1)
            held.push_back(reply);  // answered after number 2
        else {
            reply(pack(item));
            for (auto& late : held)
                late(pack(Item{"late", 1}));
        }
    };
    Server server(loop, listener.get(), serve);
    Caller caller(loop, path);
    std::string got;
    auto note = [&](Result<Message> reply) {
        got += cat(unpack<Item>(*reply)->number, ";");
        if (got.size() == 4)
            loop.stop();
    };
    caller.call(pack(Item{"", 1}), note);
    caller.call(pack(Item{"", 2}), note);
    loop.run();
    CHECK(got == "2;1;");
    ::unlink(path.c_str());
}

TEST_CASE("a caller without a service gets an error after its limit", "[ipc]")
{
    mta::event::Loop loop;
    Caller caller(loop, "/nonexistent/socket", std::chrono::milliseconds(300));
    bool failed = false;
    caller.call(pack(Item{}), [&](Result<Message> reply) {
        failed = !reply;
        loop.stop();
    });
    loop.run();
    CHECK(failed);
}
