#include "auth/workers.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "log/log.h"

namespace mta::auth {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_waiting = 5000;
constexpr auto restart_delay = 1s;

}  // namespace

Workers::Workers(event::Loop& loop, long count, Checker& checker, std::function<void()> close_in_child)
    : loop_(loop), checker_(checker), close_in_child_(std::move(close_in_child)), restart_(loop, [this] {
          for (auto& worker : workers_)
              if (!worker->peer)
                  start(*worker);
          next();
      })
{
    for (long i = 0; i < std::max(count, 1L); ++i) {
        workers_.push_back(std::make_unique<Worker>());
        start(*workers_.back());
    }
}

// Children end when their sockets do.
Workers::~Workers()
{
    for (auto& worker : workers_) {
        worker->peer.reset();
        if (worker->pid > 0)
            ::waitpid(worker->pid, nullptr, 0);
    }
}

void Workers::start(Worker& worker)
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        log::warning(errno_error("socketpair").text);
        return restart_.start(restart_delay);
    }
    Fd ours(ends[0]), theirs(ends[1]);
    pid_t parent = ::getpid();
    worker.pid = ::fork();
    if (worker.pid < 0) {
        log::warning(errno_error("fork").text);
        return restart_.start(restart_delay);
    }
    if (worker.pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent)
            ::_exit(0);
        ours.reset();
        run_child(theirs.get());
    }
    worker.busy_with = 0;
    worker.fd = ours.get();
    worker.peer = std::make_unique<ipc::Peer>(loop_, std::move(ours), [this, &worker](ipc::Message message) { answered(worker, message); },
                                              [this, &worker] { lost(worker); });
}

// The child's whole life. It leaves by _exit: nothing of the parent's may be destroyed here.
void Workers::run_child(int socket)
{
    (void)::signal(SIGTERM, SIG_DFL);
    (void)::signal(SIGINT, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (auto& other : workers_)
        if (other->peer)
            ::close(other->fd);
    close_in_child_();
    ipc::Channel channel{Fd(socket)};
    try {
        while (auto message = channel.receive(net::Seconds(86400))) {
            auto request = ipc::unpack<CheckRequest>(*message);
            if (!request)
                break;
            channel.send(ipc::pack(checker_.check(*request)));
        }
    } catch (const net::Lost& lost) {
        if (lost.kind != net::Lost::Kind::timeout)
            log::warning("authentication worker: ", lost.what());
    } catch (const std::exception& error) {
        log::warning("authentication worker: ", error.what());
    }
    ::_exit(0);
}

void Workers::lost(Worker& worker)
{
    auto number = worker.busy_with;
    worker.peer.reset();
    worker.busy_with = 0;
    int status = 0;
    ::kill(worker.pid, SIGKILL);  // its socket is closed: it cannot do anything more
    ::waitpid(worker.pid, &status, 0);
    if (number != 0 || !WIFEXITED(status))
        log::warning("authentication worker ", worker.pid, " ended unexpectedly");
    worker.pid = 0;
    restart_.start(restart_delay);
    if (auto found = done_.extract(number)) {
        CheckReply reply;
        reply.result = "error";
        found.mapped()(reply);
    }
}

void Workers::answered(Worker& worker, const ipc::Message& message)
{
    auto reply = ipc::unpack<CheckReply>(message);
    auto found = done_.extract(worker.busy_with);
    worker.busy_with = 0;
    if (!reply || (found && reply->number != found.key())) {
        log::warning("authentication worker gave a wrong answer");
        reply = CheckReply{"error", "", "", "", "", "", "", 0};
    }
    next();
    if (found)
        found.mapped()(*reply);
}

long long Workers::ask(CheckRequest request, Done done)
{
    request.number = ++last_number_;
    if (queue_.size() >= max_waiting) {
        CheckReply reply;
        reply.result = "error";
        done(reply);
        return 0;
    }
    done_[request.number] = std::move(done);
    queue_.push_back(std::move(request));
    next();
    return last_number_;
}

void Workers::cancel(long long number)
{
    done_.erase(number);
    std::erase_if(queue_, [&](const CheckRequest& request) { return request.number == number; });
}

void Workers::next()
{
    for (auto& worker : workers_) {
        if (queue_.empty())
            return;
        if (!worker->peer || worker->busy_with != 0)
            continue;
        worker->busy_with = queue_.front().number;
        auto message = ipc::pack(queue_.front());
        queue_.pop_front();
        worker->peer->send(std::move(message));
    }
}

}  // namespace mta::auth
