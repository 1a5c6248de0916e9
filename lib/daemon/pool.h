#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"

namespace mta::daemon {

// The workers of one parent: forked on demand, so that some are always idle while the limit allows it. States are
// in memory shared with the workers; a worker that takes the last idle place wakes the parent by a byte in a pipe.
class WorkerPool {
public:
    struct Settings {
        std::string service;
        long limit = 100;     // 0: none
        long spare = 1;
        long max_use = 100;
        long max_idle_seconds = 100;
        bool exit_when_idle = true;
        std::function<void()> before_fork = nullptr;
    };
    // One worker's life: gets the pool's worker side; returns the exit status.
    class Worker;
    using Life = std::function<void(Worker&)>;

    WorkerPool(Settings settings, const std::vector<Fd>& listeners, int master, Life life);
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;

    // Runs until SIGHUP, SIGTERM, SIGINT, master's end (as SIGTERM) or a worker's death by a signal (as SIGHUP for the others):
    // exit status. Workers hear the same signal.
    int run();

private:
    static constexpr std::size_t max_slots = 4096;
    enum State : int { unused, idle, busy };
    struct Shared {
        std::array<std::atomic<int>, max_slots> states;
        std::atomic<long> slots;  // those above were never used
    };
    void fill();
    bool fork_worker();
    void finish(const sigset_t& normal);
    bool reap();        // false: a worker died of a signal
    void warn_limit();
    long count(int state) const;
    void stop_workers(int signal);

    Settings settings_;
    const std::vector<Fd>& listeners_;
    int master_;
    Life life_;
    Shared* shared_;
    Fd wake_read_, wake_write_;
    std::vector<pid_t> pids_;  // by slot
    long running_ = 0;
    long next_warning_ = 0;
    bool has_failed_ = false;  // a worker that could not work
    friend class Worker;
};

// What a worker sees of its pool.
class WorkerPool::Worker {
public:
    Worker(WorkerPool& pool, std::size_t slot);
    ~Worker();

    // Waits for a connection, marked as idle; an invalid Fd says that the worker shall end.
    Fd accept();
    // The same for a worker that also has connections of its own: the descriptors ready to be read, -1 for "accept failed"
    // left out; a new connection is added to watch by the caller. Empty: end.
    struct Ready {
        Fd connection;           // newly accepted, or
        int fd = -1;             // one of the watched that can be read
        bool end = false;
    };
    Ready wait();
    void watch(int fd);
    void mark_busy();
    void mark_idle();

private:
    WorkerPool& pool_;
    std::size_t slot_;
    Fd epoll_;
};

}  // namespace mta::daemon
