#include "qmgr/transport.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "net/stream.h"

using namespace mta;
using namespace mta::qmgr;
using namespace std::chrono_literals;

namespace {

// A transport with agents of our own in the same event loop.
class Bench : public Observer {
public:
    explicit Bench(const std::string& main_cf, long process_limit = 100)
        : params_(*config::Config::parse(main_cf)), limits_{{"agent", process_limit}}
    {
        char name[] = "/tmp/buuta-transport-XXXXXX";
        directory_ = ::mkdtemp(name);
        listener_ = *net::listen_unix(directory_ + "/agent", 0600);
        watch_.emplace(loop_, listener_.get(), mta::event::readable, [this](short) { accept(); });
        transport_.emplace(Transport::Context{loop_, params_, *this, directory_ + "/", limits_}, "agent");
        mail_.fd.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        mail_.id = "4XYZbbcdfgzBbCdF";
    }
    ~Bench() override
    {
        transport_.reset();
        std::filesystem::remove_all(directory_);
    }

    void deliver(const std::vector<std::string>& nexthops)
    {
        mail_.mail.envelope.recipients.resize(nexthops.size());
        for (std::size_t i = 0; i < nexthops.size(); ++i) {
            Entry entry;
            entry.mail = &mail_;
            entry.targets.push_back({static_cast<long>(i), "a@" + nexthops[i]});
            transport_->add(nexthops[i], std::move(entry));
        }
        transport_->schedule();
        loop_.run();
    }

    void recipient_done(ActiveMail&, const service::RecipientStatus& status) override { results.push_back(status.text); }
    void entry_done(Entry entry, const std::string&, const std::string& text) override
    {
        for (std::size_t i = 0; i < entry.targets.size(); ++i)
            results.push_back(text);
        if (results.size() == expected)
            loop_.stop();
    }

    std::vector<std::string> results;
    std::size_t expected = 1, closed = 0;
    std::function<void(ipc::Peer& qmgr, const service::DeliveryRequest&)> asked = [](ipc::Peer&, const service::DeliveryRequest&) {};
    mta::event::Loop& loop() { return loop_; }
    std::size_t agents() const { return agents_.size(); }
    bool is_suspended(const std::string& nexthop)
    {
        auto before = results.size();
        Entry entry;
        entry.mail = &mail_;
        entry.targets.push_back({0, "b@" + nexthop});
        transport_->add(nexthop, std::move(entry));
        return results.size() > before && results.back().starts_with("delivery temporarily suspended");
    }

private:
    void accept()
    {
        agents_.push_back(nullptr);
        auto& agent = agents_.back();
        agent = std::make_unique<ipc::Peer>(
            loop_, Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)),
            [this, peer = &agent](ipc::Message message) {
                if (auto request = ipc::unpack<service::DeliveryRequest>(message))
                    asked(**peer, *request);
            },
            [this] { ++closed; });
    }

    mta::event::Loop loop_;
    Params params_;
    std::map<std::string, long> limits_;
    std::string directory_;
    Fd listener_;
    std::deque<std::unique_ptr<ipc::Peer>> agents_;
    std::optional<mta::event::Watch> watch_;
    std::optional<Transport> transport_;
    ActiveMail mail_;
};

void answer(ipc::Peer& qmgr, const service::DeliveryRequest& request, const std::string& text)
{
    for (const auto& recipient : request.recipients)
        qmgr.send(ipc::pack(service::RecipientStatus{recipient.number, "sent", "2.0.0", text, "", ""}));
    qmgr.send(ipc::pack(service::Delivered{}));
}

}  // namespace

TEST_CASE("an agent that neither answers nor ends is given up, and its destination left alone", "[qmgr]")
{
    Bench bench("daemon_timeout = 1s\ninitial_destination_concurrency = 1\n");
    bench.deliver({"x.example"});
    CHECK(bench.results == std::vector<std::string>{"delivery agent made no progress"});
    CHECK(bench.is_suspended("x.example"));
    CHECK_FALSE(bench.is_suspended("y.example"));
}

TEST_CASE("an agent that makes progress may take its time", "[qmgr]")
{
    Bench bench("daemon_timeout = 1s\n");
    int left = 8;
    ipc::Peer* agent = nullptr;
    service::DeliveryRequest request;
    mta::event::Timer timer(bench.loop(), [&] {
        if (left-- == 0)
            return answer(*agent, request, "slow");
        agent->send(ipc::pack(service::Progress{}));
        timer.start(300ms);
    });
    bench.asked = [&](ipc::Peer& qmgr, const service::DeliveryRequest& asked) {
        agent = &qmgr;
        request = asked;
        timer.start(300ms);
    };
    bench.deliver({"x.example"});
    CHECK(bench.results == std::vector<std::string>{"slow"});
}

TEST_CASE("as many agents work for a transport as its service may have processes", "[qmgr]")
{
    const std::vector<std::string> nexthops{"a", "b", "c", "d", "e"};
    struct Case { long limit; std::size_t agents; };
    for (const auto& c : {Case{1, 1}, {2, 2}, {0, 5}, {100, 5}}) {
        CAPTURE(c.limit);
        Bench bench("default_process_limit = 3\n", c.limit);
        std::size_t working = 0, most = 0;
        std::deque<std::unique_ptr<mta::event::Timer>> timers;
        bench.expected = nexthops.size();
        bench.asked = [&](ipc::Peer& qmgr, const service::DeliveryRequest& request) {
            most = std::max(most, ++working);
            timers.push_back(std::make_unique<mta::event::Timer>(bench.loop(), [&, request] {
                --working;
                answer(qmgr, request, "done");
            }));
            timers.back()->start(100ms);
        };
        bench.deliver(nexthops);
        CHECK(bench.results.size() == nexthops.size());
        CHECK(most == c.agents);
        CHECK(bench.agents() == c.agents);
    }
}
