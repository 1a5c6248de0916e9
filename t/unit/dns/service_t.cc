#include "service/dns.h"

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/text.h"
#include "dns/responder.h"
#include "t/unit/dns/fake.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

// 250 bytes that are a thousand on the way through our processes.
std::string huge_text()
{
    std::string text;
    for (int i = 0; i < 250; ++i)
        text += "\\200";
    return text;
}

// The daemon's parts and a DNS server, in a child, so that the blocking client can be tried.
class Child {
public:
    Child()
    {
        char directory[] = "/tmp/dns_t.XXXXXX";
        directory_ = ::mkdtemp(directory);
        path = directory_ + "/dns";
        start();
    }
    ~Child()
    {
        stop();
        ::unlink(path.c_str());
        ::rmdir(directory_.c_str());
    }
    void start()
    {
        auto listener = net::listen_unix(path, 0600);
        REQUIRE(listener);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            run(listener->get());
        }
    }
    void stop()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    std::string path;

private:
    [[noreturn]] static void run(int listener)
    {
        mta::event::Loop loop;
        test::Server server(loop, [](const test::Server::Asked& asked) {
            auto name = asked.name();
            test::Reply reply;
            if (istarts_with(name, "mx"))
                reply.answer = {name + " 60 IN MX 10 a.example.", name + " 60 IN MX 20 b.example."};
            else if (istarts_with(name, "big"))
                reply.answer.assign(60, name + " 60 IN TXT \"" + std::string(250, '~') + "\"");
            else if (istarts_with(name, "huge"))
                reply.answer.assign(60, cat(name, " 60 IN TXT \"", huge_text(), "\" \"", huge_text(), "\""));
            else
                reply.code = 3;
            return std::vector{reply.to(asked.bytes)};
        });
        dns::Options options;
        options.servers = {server.endpoint};
        dns::Resolver resolver(loop, options);
        ipc::Server ipc(loop, listener, [&](ipc::Message request, ipc::Server::Reply reply) {
            dnsd::respond(resolver, request, std::move(reply));
        });
        loop.run();
        ::_exit(0);
    }
    std::string directory_;
    pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("the blocking client gets the answers of the DNS service, many in one round trip", "[dns][service]")
{
    Child child;
    service::Dns dns(child.path);
    auto mx = dns.lookup("mx.example", dns::Type::mx);
    REQUIRE(mx.is_found());
    CHECK(mx.all<dns::Mx>().at(1).host == "b.example");
    CHECK(mx.name == "mx.example");
    std::vector<service::Dns::Question> questions;
    for (int i = 0; i < 450; ++i)
        questions.push_back({i % 3 == 0 ? cat("mx", i, ".example") : cat("none", i, ".example"), dns::Type::mx});
    auto answers = dns.lookup(questions);
    REQUIRE(answers.size() == 450);
    for (std::size_t i = 0; i < answers.size(); ++i)
        CHECK(answers[i].status == (i % 3 == 0 ? dns::Status::found : dns::Status::nxdomain));
    CHECK(dns.lookup(std::vector<service::Dns::Question>{}).empty());
    CHECK(dns.lookup("big.example", dns::Type::txt).records.size() > 0);
    auto huge = dns.lookup("huge.example", dns::Type::txt);
    CHECK(huge.is_found());
    CHECK(huge.records.size() == 30);
    CHECK(dns.lookup("bad name", dns::Type::a).status == dns::Status::malformed);
}

TEST_CASE("the blocking client survives a restart of the service and says 'cannot tell' without it", "[dns][service]")
{
    Child child;
    service::Dns dns(child.path);
    CHECK(dns.lookup("mx.example", dns::Type::mx).is_found());
    child.stop();
    child.start();
    CHECK(dns.lookup("mx2.example", dns::Type::mx).is_found());
    child.stop();
    ::unlink(child.path.c_str());
    auto answer = dns.lookup("mx.example", dns::Type::mx);
    CHECK(answer.is_temporary());
    CHECK_FALSE(answer.reason.empty());
    child.start();
    CHECK(dns.lookup("mx.example", dns::Type::mx).is_found());
}

TEST_CASE("the event-driven client answers from the loop", "[dns][service]")
{
    Child child;
    mta::event::Loop loop;
    service::AsyncDns dns(loop, child.path);
    std::vector<dns::Answer> answers;
    auto handler = [&](const dns::Answer& answer) {
        answers.push_back(answer);
        if (answers.size() == 2)
            loop.stop();
    };
    dns.lookup("mx.example", dns::Type::mx, handler);
    dns.lookup("none.example", dns::Type::mx, handler);
    mta::event::Timer limit(loop, [&] { loop.stop(); });
    limit.start(5s);
    loop.run();
    REQUIRE(answers.size() == 2);
    CHECK((answers[0].is_found() || answers[1].is_found()));
}

TEST_CASE("a reply that says found without records, or nonsense, is refused", "[dns][service]")
{
    service::DnsReply reply;
    reply.status = "found";
    reply.type = "MX";
    CHECK_FALSE(reply.answer());
    reply.records.push_back({1, "nonsense"});
    CHECK_FALSE(reply.answer());
    reply.records[0].value = "10 mx.example.";
    CHECK(reply.answer());
    reply.status = "other";
    CHECK_FALSE(reply.answer());
}

TEST_CASE("the parameters of the DNS service become the resolver's options", "[dns][service]")
{
    auto config = config::Config::parse("dns_resolvers = 127.0.0.1:5353, [::1]:54\ndns_try_timeout = 200ms\ndns_record_limit = 7\n");
    REQUIRE(config);
    auto options = dnsd::options_of(dnsd::Params(*config));
    REQUIRE(options);
    CHECK(options->servers.size() == 2);
    CHECK(options->servers[0].text() == "127.0.0.1:5353");
    CHECK(options->try_timeout == 200ms);
    CHECK(options->max_records == 7);
    auto bad = config::Config::parse("dns_resolvers = nonsense\n");
    CHECK_FALSE(dnsd::options_of(dnsd::Params(*bad)));
}
