#include <catch2/catch.hpp>

#include <sys/socket.h>

#include <functional>
#include <thread>

#include "keys.h"
#include "tls/transport.h"

using namespace mta;
using namespace std::chrono_literals;
using net::Lost;

namespace {

struct Pair {
    Pair()
    {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
            client.reset(ends[0]);
            server.reset(ends[1]);
        }
    }
    Fd client, server;
};

auto soon() { return std::chrono::steady_clock::now() + 5s; }

// A server in another thread, that the client talks to.
void with_server(Fd& fd, const std::function<void(net::Stream&)>& serve, const std::function<void()>& client)
{
    std::thread thread([&] {
        auto context = tls::test::server_context();
        net::Stream stream(std::move(fd));
        auto transport = std::make_unique<tls::Transport>(stream.fd(), context);
        try {
            transport->handshake(soon());
            stream.set_transport(std::move(transport));
            serve(stream);
        } catch (const Lost&) {
        }
    });
    client();
    thread.join();
}

}  // namespace

TEST_CASE("a blocking client talks over TLS", "[tls]")
{
    Pair pair;
    auto echo = [](net::Stream& stream) {
        auto line = stream.line(5s);
        stream.write(line + "!\r\n");
        stream.flush(5s);
    };
    with_server(pair.server, echo, [&] {
        auto context = tls::test::client_context();
        net::Stream stream(std::move(pair.client));
        auto transport = std::make_unique<tls::Transport>(stream.fd(), context, "mail.test");
        transport->handshake(soon());
        stream.set_transport(std::move(transport));
        stream.write("hello\r\n");
        CHECK(stream.line(5s) == "hello!");
        CHECK(stream.peek(5s).empty());  // the other side has said goodbye
    });
}

TEST_CASE("a server that vanishes without a goodbye is lost, not ended", "[tls]")
{
    Pair pair;
    with_server(pair.server, [](net::Stream& stream) { ::shutdown(stream.fd(), SHUT_RDWR); }, [&] {
        auto context = tls::test::client_context();
        net::Stream stream(std::move(pair.client));
        auto transport = std::make_unique<tls::Transport>(stream.fd(), context);
        transport->handshake(soon());
        stream.set_transport(std::move(transport));
        CHECK_THROWS_AS(stream.line(5s), Lost);
    });
}

TEST_CASE("a handshake has a deadline", "[tls]")
{
    Pair pair;
    auto context = tls::test::client_context();
    tls::Transport transport(pair.client.get(), context);
    try {
        transport.handshake(std::chrono::steady_clock::now() + 50ms);
        FAIL("no timeout");
    } catch (const Lost& lost) {
        CHECK(lost.kind == Lost::Kind::timeout);
    }
}

TEST_CASE("a handshake with something else says what is wrong", "[tls]")
{
    Pair pair;
    REQUIRE(::send(pair.server.get(), "500 what?\r\n", 11, 0) == 11);
    auto context = tls::test::client_context();
    tls::Transport transport(pair.client.get(), context);
    try {
        transport.handshake(soon());
        FAIL("no error");
    } catch (const Lost& lost) {
        CHECK(lost.kind == Lost::Kind::error);
        CHECK(std::string(lost.what()).find("wrong version number") != std::string::npos);
    }
}
