#include "dns/resolver.h"

#include <catch2/catch.hpp>

#include <map>
#include <optional>

#include "base/text.h"
#include "t/unit/dns/fake.h"

using namespace mta;
using namespace mta::dns;
using namespace std::chrono_literals;
using Asked = test::Server::Asked;

namespace {

const test::Reply good{.answer = {"h.example. 60 IN A 192.0.2.1"}};

struct Fixture {
    mta::event::Loop loop;
    Options options;
    std::unique_ptr<Resolver> resolver;
    Fixture()
    {
        options.try_timeout = 100ms;
        options.deadline = 2000ms;
    }

    Resolver& made()
    {
        if (!resolver)
            resolver = std::make_unique<Resolver>(loop, options);
        return *resolver;
    }

    Answer ask(std::string_view name, Type type = Type::a)
    {
        std::optional<Answer> result;
        auto ticket = made().lookup(name, type, [&](const Answer& answer) {
            result = answer;
            loop.stop();
        });
        mta::event::Timer limit(loop, [&] { loop.stop(); });
        limit.start(5s);
        if (!result)
            loop.run();
        REQUIRE(result);
        return *result;
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "an answer is asked for once and then remembered", "[dns]")
{
    test::Server server(loop, [](const Asked& asked) { return std::vector{good.to(asked.bytes)}; });
    options.servers = {server.endpoint};
    CHECK(ask("h.example").status == Status::found);
    CHECK(ask("H.Example.").status == Status::found);
    CHECK(server.asked.size() == 1);
    CHECK(made().cached() == 1);
    CHECK(made().running() == 0);
}

TEST_CASE_METHOD(Fixture, "forged replies before the true one do not matter", "[dns]")
{
    test::Server server(loop, [](const Asked& asked) {
        test::Reply forged{.answer = {"h.example. 60 IN A 203.0.113.66"}};
        auto wrong_id = forged, wrong_name = forged;
        wrong_id.id_offset = 1;
        wrong_name.question = "other.example";
        return std::vector{wrong_id.to(asked.bytes), wrong_name.to(asked.bytes), std::string("junk"), good.to(asked.bytes)};
    });
    options.servers = {server.endpoint};
    auto answer = ask("h.example");
    CHECK(answer.all<net::Address>().at(0).text() == "192.0.2.1");
    CHECK(server.asked.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a reply from another socket is never seen", "[dns]")
{
    Fd other(::socket(AF_INET, SOCK_DGRAM, 0));
    test::Server server(loop, [](const Asked&) { return std::vector<std::string>{}; });
    options.servers = {server.endpoint};
    options.rounds = 1;
    CHECK(ask("h.example").status == Status::failed);
    CHECK(server.asked.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a flood of wrong replies leads to TCP", "[dns]")
{
    test::Server server(loop, [](const Asked& asked) {
        if (asked.by_tcp)
            return std::vector{good.to(asked.bytes)};
        return std::vector<std::string>(12, test::Reply{.id_offset = 5}.to(asked.bytes));
    });
    options.servers = {server.endpoint};
    CHECK(ask("h.example").is_found());
    REQUIRE(server.asked.size() == 2);
    CHECK(server.asked[1].by_tcp);
}

TEST_CASE_METHOD(Fixture, "a truncated reply is asked for by TCP", "[dns]")
{
    test::Server server(loop, [](const Asked& asked) {
        auto reply = good;
        reply.truncated = !asked.by_tcp;
        return std::vector{reply.to(asked.bytes)};
    });
    options.servers = {server.endpoint};
    CHECK(ask("h.example").is_found());
    REQUIRE(server.asked.size() == 2);
    CHECK(server.asked[1].by_tcp);
    CHECK(server.asked[0].bytes.substr(0, 2) != server.asked[1].bytes.substr(0, 2));  // a new ID
}

TEST_CASE_METHOD(Fixture, "a server that does not know EDNS0 is asked without", "[dns]")
{
    bool bare = GENERATE(true, false);
    int code = GENERATE(1, 4);
    test::Server server(loop, [=](const Asked& asked) {
        return std::vector{asked.has_edns() ? test::Reply{.code = code, .bare = bare}.to(asked.bytes) : good.to(asked.bytes)};
    });
    options.servers = {server.endpoint};
    CHECK(ask("h.example").is_found());
    CHECK(server.asked.size() == 2);
}

TEST_CASE_METHOD(Fixture, "the next server is asked when one fails, refuses or is silent", "[dns]")
{
    int kind = GENERATE(0, 1, 2);
    test::Server bad(loop, [=](const Asked& asked) {
        return kind == 2 ? std::vector<std::string>{} : std::vector{test::Reply{.code = kind == 0 ? 2 : 5}.to(asked.bytes)};
    });
    test::Server server(loop, [](const Asked& asked) { return std::vector{good.to(asked.bytes)}; });
    options.servers = {bad.endpoint, server.endpoint};
    CHECK(ask("h.example").is_found());
    CHECK(bad.asked.size() == 1);
    CHECK(server.asked.size() == 1);
    ask("other.example");
    CHECK(bad.asked.size() == (kind == 2 ? 1 : 2));  // a silent one is not the first any more
}

TEST_CASE_METHOD(Fixture, "a damaged reply leads to the next server", "[dns]")
{
    test::Server bad(loop, [](const Asked& asked) {
        auto bytes = good.to(asked.bytes);
        return std::vector{bytes.substr(0, bytes.size() - 2)};
    });
    test::Server server(loop, [](const Asked& asked) { return std::vector{good.to(asked.bytes)}; });
    options.servers = {bad.endpoint, server.endpoint};
    CHECK(ask("h.example").is_found());
    CHECK(bad.asked.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a port where nobody listens is left at once", "[dns]")
{
    net::Endpoint dead;
    {
        test::Server gone(loop, [](const Asked&) { return std::vector<std::string>{}; });
        dead = gone.endpoint;
    }
    test::Server server(loop, [](const Asked& asked) { return std::vector{good.to(asked.bytes)}; });
    options.servers = {dead, server.endpoint};
    options.try_timeout = 60s;
    options.deadline = 120s;
    auto start = std::chrono::steady_clock::now();
    CHECK(ask("h.example").is_found());
    CHECK(std::chrono::steady_clock::now() - start < 30s);
    resolver.reset();
    options.servers = {dead};
    auto answer = ask("h.example");
    CHECK(answer.status == Status::failed);
    CHECK_THAT(answer.reason, Catch::Contains("Connection refused"));
}

TEST_CASE_METHOD(Fixture, "SERVFAIL of all servers is 'cannot tell', asked once each and remembered for seconds", "[dns]")
{
    test::Server server(loop, [](const Asked& asked) { return std::vector{test::Reply{.code = 2}.to(asked.bytes)}; });
    options.servers = {server.endpoint};
    auto answer = ask("h.example");
    CHECK(answer.status == Status::failed);
    CHECK(answer.is_temporary());
    CHECK_THAT(answer.reason, Catch::Contains("SERVFAIL"));
    CHECK(answer.ttl == 5);
    CHECK(server.asked.size() == 1);
    CHECK(ask("h.example").status == Status::failed);
    CHECK(server.asked.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a silent server is asked as often as allowed, then we give up", "[dns]")
{
    test::Server server(loop, [](const Asked&) { return std::vector<std::string>{}; });
    options.servers = {server.endpoint};
    options.rounds = 3;
    auto answer = ask("h.example");
    CHECK(answer.status == Status::failed);
    CHECK(answer.reason == cat("no reply from ", server.endpoint.text()));
    CHECK(server.asked.size() == 3);
}

TEST_CASE_METHOD(Fixture, "the deadline ends a look-up whatever is left to try", "[dns]")
{
    test::Server server(loop, [](const Asked&) { return std::vector<std::string>{}; });
    options.servers = {server.endpoint};
    options.rounds = 1000;
    options.deadline = 250ms;
    auto start = std::chrono::steady_clock::now();
    CHECK(ask("h.example").status == Status::failed);
    CHECK(std::chrono::steady_clock::now() - start < 30s);
    CHECK(server.asked.size() <= 4);
}

TEST_CASE_METHOD(Fixture, "NXDOMAIN is remembered as long as the SOA says", "[dns]")
{
    test::Server server(loop, [](const Asked& asked) {
        return std::vector{test::Reply{.code = 3, .authority = {"example. 77 IN SOA n.example. h.example. 1 2 3 4 99"}}.to(asked.bytes)};
    });
    options.servers = {server.endpoint};
    CHECK(ask("h.example").status == Status::nxdomain);
    auto again = ask("h.example");
    CHECK(again.status == Status::nxdomain);
    CHECK(again.ttl >= 75);
    CHECK(again.ttl <= 77);
    CHECK(server.asked.size() == 1);
}

TEST_CASE_METHOD(Fixture, "askers of one question share one query", "[dns]")
{
    test::Server server(loop, [](const Asked& asked) { return std::vector{good.to(asked.bytes)}; });
    options.servers = {server.endpoint};
    int answers = 0;
    std::vector<Resolver::Ticket> tickets;
    for (int i = 0; i < 5; ++i)
        tickets.push_back(made().lookup("h.example", Type::a, [&](const Answer& answer) { answers += answer.is_found(); }));
    CHECK(made().running() == 1);
    tickets.erase(tickets.begin());  // one asker goes away
    CHECK(ask("h.example").is_found());
    CHECK(answers == 4);
    CHECK(server.asked.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a look-up that nobody wants any more ends", "[dns]")
{
    test::Server server(loop, [](const Asked&) { return std::vector<std::string>{}; });
    options.servers = {server.endpoint};
    {
        auto ticket = made().lookup("h.example", Type::a, [](const Answer&) { FAIL("nobody waits"); });
        CHECK(made().running() == 1);
    }
    CHECK(made().running() == 0);
}

TEST_CASE_METHOD(Fixture, "a handler may end the wait of others and ask anew", "[dns]")
{
    test::Server server(loop, [](const Asked& asked) { return std::vector{good.to(asked.bytes)}; });
    options.servers = {server.endpoint};
    Resolver::Ticket second, third;
    bool anew = false;
    auto first = made().lookup("h.example", Type::a, [&](const Answer&) {
        second = Resolver::Ticket();
        third = made().lookup("h.example", Type::a, [&](const Answer& answer) {
            anew = answer.is_found();
            loop.stop();
        });
    });
    second = made().lookup("h.example", Type::a, [](const Answer&) { FAIL("ended"); });
    loop.run();
    CHECK(anew);
}

TEST_CASE_METHOD(Fixture, "more look-ups than may run wait for their turn", "[dns]")
{
    std::size_t most = 0;
    test::Server server(loop, [&](const Asked& asked) {
        return std::vector{test::Reply{.answer = {asked.name() + " 60 IN A 192.0.2.1"}}.to(asked.bytes)};
    });
    options.servers = {server.endpoint};
    options.max_running = 3;
    options.try_timeout = 2s;
    int answers = 0;
    std::vector<Resolver::Ticket> tickets;
    for (int i = 0; i < 50; ++i)
        tickets.push_back(made().lookup(cat("h", i, ".example"), Type::a, [&](const Answer& answer) {
            answers += answer.is_found();
            most = std::max(most, server.asked.size());
            if (answers == 50)
                loop.stop();
        }));
    mta::event::Timer limit(loop, [&] { loop.stop(); });
    limit.start(5s);
    loop.run();
    CHECK(answers == 50);
    CHECK(server.asked.size() == 50);
}

TEST_CASE_METHOD(Fixture, "thousands of look-ups that fail at once do not recurse", "[dns]")
{
    options.servers = {{*net::Address::parse("255.255.255.255"), 53}};  // connect() fails with EACCES
    options.max_running = 1;
    options.cache_bytes = 0;
    int answers = 0;
    for (int i = 0; i < 5000; ++i)
        made().lookup(cat("h", i, ".example"), Type::a, [&](const Answer& answer) { answers += answer.status == Status::failed; }).release();
    mta::event::Timer limit(loop, [&] { loop.stop(); });
    limit.start(3s);
    loop.run();
    CHECK(answers == 5000);
}

TEST_CASE_METHOD(Fixture, "AD of a loopback server is believed", "[dns]")
{
    test::Server server(loop, [](const Asked& asked) {
        auto reply = good;
        reply.ad = true;
        return std::vector{reply.to(asked.bytes)};
    });
    options.servers = {server.endpoint};
    CHECK(ask("h.example").secure);
    CHECK(ask("h.example").secure);  // also from the cache
}

TEST_CASE_METHOD(Fixture, "malformed names and a lack of servers are answered at once", "[dns]")
{
    CHECK(ask("a b.example").status == Status::malformed);
    CHECK(ask("").status == Status::malformed);
    CHECK(ask("h.example").status == Status::failed);
}
