#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "daemon/pool.h"
#include "daemon/process.h"
#include "daemon/wait.h"
#include "log/log.h"

namespace mta::daemon {

using namespace std::chrono_literals;

namespace {

volatile std::sig_atomic_t worker_stop = 0;  // the signal
void note_stop(int number)
{
    if (number != SIGHUP || worker_stop == 0)
        worker_stop = number;
}

void install(int number, void (*handler)(int))
{
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(number, &action, nullptr);
}

}  // namespace

// SIGHUP and SIGTERM stay blocked except while waiting, so that no connection is lost between accept and the look at the flag.
WorkerPool::Worker::Worker(WorkerPool& pool, std::size_t slot) : pool_(pool), slot_(slot), epoll_(::epoll_create1(EPOLL_CLOEXEC))
{
    if (!epoll_)
        throw_errno("epoll");
    worker_stop = 0;
    install(SIGHUP, note_stop);
    install(SIGTERM, note_stop);
    install(SIGINT, SIG_DFL);
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigaddset(&interrupt, SIGCHLD);
    ::sigprocmask(SIG_UNBLOCK, &interrupt, nullptr);
    for (const auto& listener : pool_.listeners_) {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLEXCLUSIVE;  // one connection wakes one worker
        event.data.fd = -1 - listener.get();
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener.get(), &event) != 0)
            throw_errno("epoll");
    }
}

WorkerPool::Worker::~Worker() = default;

void WorkerPool::Worker::mark_busy()
{
    pool_.shared_->states[slot_] = busy;
    if (pool_.count(idle) < pool_.settings_.spare)
        (void)!::write(pool_.wake_write_.get(), "", 1);
}

void WorkerPool::Worker::mark_idle() { pool_.shared_->states[slot_] = idle; }

void WorkerPool::Worker::watch(int fd)
{
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
        throw_errno("epoll");
}

WorkerPool::Worker::Ready WorkerPool::Worker::wait()
{
    sigset_t none;
    sigemptyset(&none);
    while (!worker_stop) {
        epoll_event event{};
        int timeout = static_cast<int>(pool_.settings_.max_idle_seconds * 1000);
        int count = ::epoll_pwait(epoll_.get(), &event, 1, timeout, &none);
        if (worker_stop)
            break;
        if (count == 0 && pool_.settings_.exit_when_idle && pool_.count(idle) > pool_.settings_.spare)
            return {Fd(), -1, true};
        if (count < 0 && errno != EINTR)
            throw_errno("epoll");
        if (count <= 0)
            continue;
        if (event.data.fd >= 0)
            return {Fd(), event.data.fd, false};
        Fd connection(::accept4(-1 - event.data.fd, nullptr, nullptr, SOCK_CLOEXEC));
        if (connection)
            return {std::move(connection), -1, false};
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log::warning(errno_error("accept").text);
            ::usleep(100000);
        }
    }
    return {Fd(), -1, true};
}

Fd WorkerPool::Worker::accept()
{
    mark_idle();
    auto ready = wait();
    if (!ready.end)
        mark_busy();
    return std::move(ready.connection);
}

bool is_stopping()
{
    if (worker_stop)
        return true;
    sigset_t pending;
    ::sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGHUP) == 1;
}

bool wait_for_client(int fd, net::Transport::Deadline deadline) { return wait_for_client(fd, -1, deadline); }

bool wait_for_message(int fd, net::Transport::Deadline deadline) { return net::wait_ready(fd, POLLIN, deadline); }

bool wait_for_client(int fd, int other, net::Transport::Deadline deadline)
{
    sigset_t unblocked;
    ::sigprocmask(SIG_BLOCK, nullptr, &unblocked);
    sigdelset(&unblocked, SIGTERM);
    while (true) {
        auto left = std::clamp<std::chrono::nanoseconds>(deadline - std::chrono::steady_clock::now(), 0ns, 24h);
        timespec limit{left / 1s, (left % 1s).count()};
        pollfd polls[2] = {{fd, POLLIN, 0}, {other, POLLIN, 0}};  // a negative descriptor is passed over
        int count = ::ppoll(polls, 2, &limit, &unblocked);
        if (count > 0)
            return true;
        if (worker_stop == SIGTERM)
            throw net::Lost(net::Lost::Kind::stopped, "the system stops");
        if (count < 0 && errno != EINTR)
            throw_errno("ppoll");
        if (count == 0 && left == 0ns)
            return false;
    }
}

namespace {

void limit_files(const config::Limit& most)
{
    rlimit now{};
    if (most.is_none() || ::getrlimit(RLIMIT_NOFILE, &now) != 0)
        return;
    now.rlim_max = std::min<rlim_t>(now.rlim_max, most.number());
    now.rlim_cur = now.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &now);  // less than before is always allowed
}

// When the host has no memory left, the kernel shall end somebody who serves one client, and not front or qmgr.
void prefer_at_lack_of_memory(int oom_score)
{
    constexpr long more = 200, most = 1000;  // of a thousandth of all memory
    char text[16] = {};
    if (::read(oom_score, text, sizeof text - 1) <= 0)
        return;  // without /proc all are alike
    auto score = std::to_string(std::min(std::strtol(text, nullptr, 10) + more, most));
    (void)!::pwrite(oom_score, score.data(), score.size(), 0);
}

}  // namespace

void Process::enter_as_parent(const std::function<void()>& rehearse)
{
    end_trial();
    prefer_at_lack_of_memory(std::exchange(oom_score_, Fd()).get());
    confinement_->enter_as_parent();
    if (confinement_->is_selftest())
        rehearse ? rehearse() : seal();
}

int Process::serve(std::function<void(Fd client)> handler, Workers options)
{
    WorkerPool::Settings settings;
    settings.service = service_;
    settings.limit = process_limit_;
    settings.spare = options.spare;
    settings.max_use = options.max_use > 0 ? options.max_use : common_->max_use();
    settings.max_idle_seconds = common_->max_idle().count();
    settings.before_fork = options.renew;
    enter_as_parent(options.rehearse);
    ready();
    const Params params(config_);
    WorkerPool pool(settings, listeners_, master_.get(), [&](WorkerPool::Worker& worker) {
        master_.reset();
        limit_files(params.worker_file_limit);
        if (!options.rehearse)
            seal();
        for (long use = 0; use < settings.max_use; ++use) {
            Fd client = worker.accept();
            if (!client)
                return;
            try {
                if (options.renew)
                    options.renew();
                handler(std::move(client));
            } catch (const net::Lost& lost) {
                log::warning("connection closed: ", lost.what());
            } catch (const std::exception& error) {
                log::warning("connection closed: ", error.what(), "; another worker takes over");  // nobody knows what is done by half here
                return;
            }
        }
    });
    return pool.run();
}

int Process::serve_requests(std::function<ipc::Message(const ipc::Message&)> handler)
{
    WorkerPool::Settings settings;
    settings.service = service_;
    settings.limit = process_limit_;
    settings.max_idle_seconds = common_->max_idle().count();
    settings.exit_when_idle = false;
    enter_as_parent(nullptr);
    ready();
    WorkerPool pool(settings, listeners_, master_.get(), [&](WorkerPool::Worker& worker) {
        master_.reset();
        seal();
        std::map<int, ipc::Channel> channels;
        auto answer = [&](int fd) {
            auto& channel = channels.at(fd);
            bool open = channel.read_available();
            while (open) {
                auto message = channel.take();
                if (!message)
                    log::warning("closing a connection: ", message.error().text);
                if (!message || !*message)
                    return bool(message);
                auto reply = handler(**message);
                if (auto id = (*message)->find("id"))
                    reply.add("id", *id);
                channel.send(reply);
            }
            return open;
        };
        while (true) {
            auto ready = worker.wait();
            if (ready.end)
                return;
            int fd = ready.connection ? ready.connection.get() : ready.fd;
            if (ready.connection) {
                channels.emplace(fd, std::move(ready.connection));
                worker.watch(fd);
                continue;
            }
            worker.mark_busy();
            try {
                if (!answer(fd))
                    channels.erase(fd);
            } catch (const std::exception& error) {
                log::warning("connection closed: ", error.what());
                channels.erase(fd);
            }
            worker.mark_idle();
        }
    });
    return pool.run();
}

}  // namespace mta::daemon
