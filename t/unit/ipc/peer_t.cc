#include "ipc/peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace mta;
using namespace std::chrono_literals;

TEST_CASE("a server drops a client that asks and never reads", "[ipc]")
{
    auto path = cat("/tmp/buuta-peer-test.", ::getpid());
    auto listener = *net::listen_unix(path, 0600);
    mta::event::Loop loop;
    ipc::Server server(loop, listener.get(), [](ipc::Message, const ipc::Server::Reply& reply) {
        ipc::Message answer;
        answer.add("text", std::string(60000, 'x'));
        reply(std::move(answer));
    });
    ipc::Channel greedy(*net::connect_unix(path, 1s)), modest(*net::connect_unix(path, 1s));
    ::unlink(path.c_str());
    ipc::Message question;
    question.add("request", "x");
    for (int i = 0; i < 200; ++i)
        greedy.queue(question.encoded());
    greedy.flush();
    modest.send(question);
    mta::event::Timer end(loop, [&] { loop.stop(); });
    end.start(500ms);
    loop.run();
    CHECK(server.connections() == 1);
    auto answer = modest.receive(1s);
    REQUIRE(answer);
    CHECK(answer->find("text")->size() == 60000);
}

TEST_CASE("a descriptor that could not be sent is there to be sent to somebody else", "[ipc]")
{
    int ends[2], other[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE(::pipe(other) == 0);
    Fd reader(ends[1]), writer(other[1]), carried(other[0]);
    mta::event::Loop loop;
    bool is_closed = false;
    ipc::Peer peer(loop, Fd(ends[0]), [](ipc::Message) {}, [&] {
        is_closed = true;
        loop.stop();
    });
    ipc::Message first, second;
    first.add("ticket", "1");
    peer.send(std::move(first));
    CHECK(!peer.has_failed());
    reader.reset();
    second.add("session", "1");
    second.fd = std::move(carried);
    peer.send(std::move(second));
    CHECK(peer.has_failed());
    CHECK(peer.take_back_fd().get() == other[0]);
    mta::event::Timer end(loop, [&] { loop.stop(); });
    end.start(10s);
    loop.run();
    CHECK(is_closed);
}
