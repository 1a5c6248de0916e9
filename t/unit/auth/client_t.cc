#include "auth/client.h"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "net/stream.h"

using namespace mta;
using namespace std::chrono_literals;

TEST_CASE("who logs in hears at once that the question did not reach the service", "[auth]")
{
    auto path = cat("/tmp/buuta-auth-client-test.", ::getpid());
    auto listener = *net::listen_unix(path, 0600);
    mta::event::Loop loop;
    auth::Client client(loop, path);
    Fd service(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ::unlink(path.c_str());
    constexpr std::string_view greeting = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nDONE\n";
    REQUIRE(::send(service.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(greeting.size()));
    REQUIRE(::shutdown(service.get(), SHUT_RD) == 0);  // sending to it fails, and it goes on being connected
    std::optional<auth::Client::Reply> answer;
    client.begin({"PLAIN", "pop3", "192.0.2.1", "192.0.2.2", true, "AGEAYg=="}, [&](const auth::Client::Reply& reply) {
        answer = reply;
        loop.stop();
    });
    mta::event::Timer end(loop, [&] { loop.stop(); });
    end.start(10s);
    loop.run();
    REQUIRE(answer);
    CHECK(answer->kind == auth::Client::Reply::Kind::fail);
    CHECK(answer->temporary);
}
