#include "daemon/pool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <new>
#include <system_error>

#include "log/log.h"
#include "net/limit_hits.h"
#include "sandbox/sandbox.h"

namespace mta::daemon {

namespace {

// Signal handlers can only set a flag, which therefore is the one global of this library.
volatile std::sig_atomic_t stop_signal = 0;
void note_signal(int number)
{
    if (number != SIGHUP || stop_signal == 0)
        stop_signal = number;
}

void install(int number, void (*handler)(int))
{
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(number, &action, nullptr);
}

sigset_t stop_signals()
{
    sigset_t set;
    sigemptyset(&set);
    for (int number : {SIGHUP, SIGTERM, SIGINT, SIGCHLD})
        sigaddset(&set, number);
    return set;
}

}  // namespace

WorkerPool::WorkerPool(Settings settings, const std::vector<Fd>& listeners, int master, Life life)
    : settings_(std::move(settings)), listeners_(listeners), master_(master), life_(std::move(life))
{
    void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fds[2];
    if (memory == MAP_FAILED || ::pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        throw_errno("worker pool");
    shared_ = new (memory) Shared{};
    wake_read_.reset(fds[0]);
    wake_write_.reset(fds[1]);
    for (const auto& listener : listeners_)
        ::fcntl(listener.get(), F_SETFL, O_NONBLOCK);
    auto limit = settings_.limit == 0 ? max_slots : std::min<std::size_t>(static_cast<std::size_t>(settings_.limit), max_slots);
    pids_.assign(limit, 0);
}

WorkerPool::~WorkerPool() { ::munmap(shared_, sizeof(Shared)); }

long WorkerPool::count(int state) const
{
    long count = 0;
    for (long i = 0; i < shared_->slots; ++i)
        count += shared_->states[static_cast<std::size_t>(i)] == state;
    return count;
}

int WorkerPool::run()
{
    stop_signal = 0;
    auto blocked = stop_signals();
    sigset_t normal;
    ::sigprocmask(SIG_BLOCK, &blocked, &normal);
    for (int number : {SIGHUP, SIGTERM, SIGINT})
        install(number, note_signal);
    install(SIGCHLD, [](int) {});
    fill();
    while (true) {
        pollfd polls[2] = {{wake_read_.get(), POLLIN, 0}, {master_, POLLIN, 0}};
        // Without a worker nobody would wake us, so what failed is tried again.
        bool lacks_worker = count(idle) < settings_.spare && running_ < static_cast<long>(pids_.size());
        timespec pause{1, 0};
        ::ppoll(polls, 2, lacks_worker ? &pause : nullptr, &normal);
        if (polls[1].revents)
            note_signal(SIGTERM);
        if (stop_signal) {
            finish(normal);
            return 0;
        }
        char bytes[256];
        while (::read(wake_read_.get(), bytes, sizeof bytes) > 0) {
        }
        if (!reap()) {
            stop_workers(SIGHUP);
            return 1;
        }
        if (!has_failed_)  // what has ended one worker would end the next; after the pause it may be over
            fill();
    }
}

// The busy ones finish. What was said first may be followed by something stronger.
void WorkerPool::finish(const sigset_t& normal)
{
    int told = 0;
    for (reap(); running_ > 0; reap()) {
        if (told != stop_signal)
            stop_workers(told = stop_signal);
        if (told == SIGINT)
            return;
        pollfd master{told == SIGHUP ? master_ : -1, POLLIN, 0};
        ::ppoll(&master, 1, nullptr, &normal);
        if (master.revents)
            note_signal(SIGTERM);
    }
}

void WorkerPool::fill()
{
    while (count(idle) < settings_.spare) {
        if (running_ >= static_cast<long>(pids_.size()))
            return warn_limit();
        if (settings_.before_fork)
            settings_.before_fork();
        if (!fork_worker())
            return;
    }
}

void WorkerPool::warn_limit()
{
    long now = std::time(nullptr);
    if (settings_.limit == 1 || now < next_warning_)
        return;
    next_warning_ = now + 1000;
    log::warning("service \"", settings_.service, "\" has reached its process limit \"", settings_.limit,
                 "\": new clients may experience noticeable delays");
}

bool WorkerPool::fork_worker()
{
    std::size_t slot = 0;
    while (pids_[slot] != 0)
        ++slot;
    if (static_cast<long>(slot) >= shared_->slots)
        shared_->slots = static_cast<long>(slot) + 1;
    shared_->states[slot] = idle;
    pid_t parent = ::getpid();
    pid_t pid = ::fork();
    if (pid < 0) {
        shared_->states[slot] = unused;
        log::warning(errno_error("fork").text);
        return false;
    }
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGHUP);
        install(SIGCHLD, SIG_DFL);
        if (::getppid() != parent)
            ::_exit(0);
        try {
            Worker worker(*this, slot);
            life_(worker);
        } catch (const std::exception& error) {
            log::warning("worker ends: ", error.what());
            ::_exit(EX_TEMPFAIL);
        }
        net::report_all_limit_hits();
        ::_exit(0);
    }
    pids_[slot] = pid;
    ++running_;
    return true;
}

bool WorkerPool::reap()
{
    bool healthy = true;
    has_failed_ = false;
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        for (std::size_t slot = 0; slot < pids_.size(); ++slot) {
            if (pids_[slot] != pid)
                continue;
            pids_[slot] = 0;
            shared_->states[slot] = unused;
            --running_;
        }
        has_failed_ = has_failed_ || (WIFEXITED(status) && WEXITSTATUS(status) != 0);
        if (WIFSIGNALED(status) && !stop_signal) {
            log::warning("process ", log::tag(), " pid ", pid, " killed by signal ", WTERMSIG(status), sandbox::explain_signal(WTERMSIG(status)));
            healthy = false;
        }
    }
    return healthy;
}

void WorkerPool::stop_workers(int signal)
{
    for (auto pid : pids_)
        if (pid > 0)
            ::kill(pid, signal);
}

}  // namespace mta::daemon
