#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <functional>
#include <new>
#include <thread>

#include "service/dns.h"
#include "t/unit/scarcity.h"
#include "t/unit/table/scratch.h"

using namespace mta;

namespace {

// A service that serves one connection after the other.
class Service {
public:
    Service(const std::string& path, std::function<ipc::Message(const ipc::Message&)> answer) : listener_(*net::listen_unix(path, 0600))
    {
        thread_ = std::thread([this, answer = std::move(answer)] {
            while (Fd client{::accept(listener_.get(), nullptr, nullptr)})
                serve(ipc::Channel(std::move(client)), answer);
        });
    }
    ~Service()
    {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    Service(const Service&) = delete;

private:
    static void serve(ipc::Channel channel, const std::function<ipc::Message(const ipc::Message&)>& answer)
    try {
        while (auto question = channel.receive(net::Seconds(60)))
            channel.send(answer(*question));
    } catch (const net::Lost&) {  // the client gave its question up
    }

    Fd listener_;
    std::thread thread_;
};

struct Word {
    std::string text;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("text", self.text);
    }
};

template <class Work>
void without_memory(Work work)
try {
    work();
} catch (const std::bad_alloc&) {
}

}  // namespace

TEST_CASE("wherever memory ends amid a question, the next one gets its own answer", "[ipc]")
{
    table::Scratch scratch;
    auto path = scratch.path("service");
    Service service(path, [](const ipc::Message& question) { return ipc::pack(*ipc::unpack<Word>(question)); });
    std::optional<ipc::Client> client;
    auto ask = [&](std::string text) {
        auto reply = client->ask<Word>(Word{std::move(text)});
        return reply ? reply->text : reply.error().text;
    };
    const std::string one(100, '1'), two(100, '2'), three(100, '3');  // more than fits into a string without an allocation
    test::fail_each_allocation(
        [&] {
            client.emplace(path);
            REQUIRE(ask(one) == one);
        },
        [&] { without_memory([&] { ask(two); }); }, [&] { CHECK(ask(three) == three); });
}

TEST_CASE("wherever memory ends amid questions to dns, the next ones get their own answers", "[dns]")
{
    table::Scratch scratch;
    auto path = scratch.path("dns");
    Service service(path, [](const ipc::Message& message) {
        auto question = *ipc::unpack<service::DnsQuestion>(message);
        auto reply = ipc::pack(service::DnsReply{"found", question.name, question.type, 60, false, "", {{60, question.name}}});
        reply.add("id", *message.find("id"));
        return reply;
    });
    std::optional<service::Dns> dns;
    const std::string tail = ".does-not-fit-into-a-string-without-an-allocation.example";
    auto ask = [&](char first, char second) {
        std::string names;
        for (const auto& answer : dns->lookup({{first + tail, dns::Type::ptr}, {second + tail, dns::Type::ptr}}))
            names += cat(answer.name, answer.reason, " ");
        return names;
    };
    auto both = [&](char first, char second) { return cat(first + tail, " ", second + tail, " "); };
    test::fail_each_allocation(
        [&] {
            dns.emplace(path);
            REQUIRE(ask('a', 'b') == both('a', 'b'));
        },
        [&] { without_memory([&] { ask('c', 'd'); }); }, [&] { CHECK(ask('e', 'f') == both('e', 'f')); });
}
