#include "deliver/agent.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "log/log.h"
#include "service/qmgr.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

// A qmgr in a process of its own: takes what the agent sends, and confirms it or ends; then it is the next qmgr.
class Qmgr {
public:
    explicit Qmgr(bool confirms)
    {
        char name[] = "/tmp/buuta-job-XXXXXX";
        directory_ = ::mkdtemp(name);
        listener_ = *net::listen_unix(socket(), 0600);
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        Fd ours(ends[1]);
        agent_.reset(ends[0]);
        pid_ = ::fork();
        if (pid_ == 0) {
            agent_.reset();
            try {
                ::_exit(run(std::move(ours), confirms));
            } catch (const net::Lost&) {
                ::_exit(101);
            }
        }
    }
    ~Qmgr()
    {
        if (pid_ > 0)
            ::kill(pid_, SIGKILL);
        end();
        std::filesystem::remove_all(directory_);
    }
    Fd take_agent() { return std::move(agent_); }
    std::string socket() const { return directory_ + "/qmgr"; }
    // How many reports the next qmgr got, the last of which it took.
    int end()
    {
        int status = -1;
        if (pid_ > 0)
            ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    int run(Fd agent, bool confirms)
    {
        {
            ipc::Channel channel(std::move(agent));
            while (auto message = channel.receive(5s))
                if (!message->find("action"))
                    break;
            if (confirms)
                channel.send(ipc::pack(service::Recorded{}));
        }
        if (confirms)
            return 0;
        for (int reports = 1;; ++reports) {
            ipc::Channel channel(Fd(::accept(listener_.get(), nullptr, nullptr)));
            auto message = channel.receive(5s);
            auto report = ipc::unpack<service::OrphanReport>(*message);
            bool is_good = report && message->fd && report->statuses.size() == 1 && report->statuses[0].text == "done";
            bool takes_it = reports > 1;  // the first time its disk is full
            channel.send(ipc::pack(service::QueueReply{takes_it, ""}));
            if (takes_it || !is_good)
                return is_good ? reports : 100;
        }
    }

    std::string directory_;
    Fd listener_, agent_;
    pid_t pid_ = -1;
};

bool deliver_one(Qmgr& qmgr)
{
    service::DeliveryRequest request;
    request.queue_id = "4XYZbbcdfgzBbCdF";
    request.recipients.push_back({0, "a@x.example", "", "", ""});
    ipc::Channel channel(qmgr.take_agent());
    log::open_file("/dev/null");
    deliver::Job job(request, Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), channel, qmgr.socket());
    job.report(0, deliver::sent("done"), "none");
    bool is_confirmed = job.finish();
    log::open_stderr();
    return is_confirmed;
}

}  // namespace

TEST_CASE("an agent goes on when qmgr has recorded its results", "[deliver]")
{
    Qmgr qmgr(true);
    CHECK(deliver_one(qmgr));
    CHECK(qmgr.end() == 0);
}

TEST_CASE("results that qmgr took but did not confirm go to the next one, until it takes them", "[deliver]")
{
    Qmgr qmgr(false);
    CHECK_FALSE(deliver_one(qmgr));
    CHECK(qmgr.end() == 2);
}

TEST_CASE("delays are logged with two significant digits", "[deliver]")
{
    struct Case { double seconds; std::string text; };
    for (const auto& c : {Case{-1, "0"}, {0.004, "0"}, {0.006, "0.01"}, {0.05, "0.05"}, {0.3, "0.3"}, {0.996, "1"}, {1.23, "1.2"},
                          {9.96, "10"}, {12.4, "12"}, {3600, "3600"}})
        CHECK(deliver::format_delay(c.seconds) == c.text);
}
