#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "event/event.h"
#include "master/backoff.h"
#include "master/plan.h"
#include "master/spawn.h"

namespace mta::master {

// What all posts share.
struct Duty {
    event::Loop& loop;
    const Sockets& sockets;
    Surroundings surroundings;
    std::chrono::milliseconds throttle_limit{60000};
    std::chrono::milliseconds drain_limit{30000};
    std::function<void()> changed;  // called when a process is ready or has failed
};

// One started process.
class Process {
public:
    Process(const Duty& duty, std::string program, Spawned spawned, std::function<void()> ready);

    pid_t pid() const { return pid_; }
    bool is_ready() const { return ready_since_.has_value(); }
    std::optional<std::chrono::milliseconds> ready_for() const;
    void retire();                                  // SIGHUP: another process takes the new clients
    void drain();                                   // SIGTERM; it may take its time
    void drain(std::chrono::milliseconds limit);    // then SIGINT, then SIGKILL
    void end();                                     // SIGINT, then SIGKILL
    // Says in the log how it ended. Workers that it left behind see that it is gone and end by themselves.
    void log_exit(int status) const;

private:
    void read_channel();
    void escalate();

    std::string program_;
    pid_t pid_;
    Fd channel_;
    std::function<void()> ready_;
    std::optional<std::chrono::steady_clock::time_point> ready_since_;
    std::unique_ptr<event::Watch> watch_;
    event::Timer escalation_;
    int next_signal_;
};

// A job and the processes that do it: the current one, and those from before a reload that finish their work.
class Post {
public:
    Post(Duty& duty, Job job);
    Post(const Post&) = delete;

    const Job& job() const { return job_; }
    void start();
    void replace(Job job);        // the same job by a new configuration
    void retire();                // nobody follows the process of this job
    void drain();                 // the system stops
    void end();
    bool exited(pid_t pid, int status);  // false if the process is not one of this post
    bool is_empty() const { return !current_ && old_.empty() && !restart_.pending(); }
    bool is_retired() const { return is_retired_; }
    bool is_ready() const { return current_ && current_->is_ready(); }
    bool has_failed() const { return has_failed_; }  // at its start, and waits for another try
    bool is_settled() const { return is_ready() || has_failed_ || is_retired_; }

private:
    void close();
    void relieve();
    void became_ready();
    void failed(std::optional<std::chrono::milliseconds> ready_for);
    void wake();

    Duty& duty_;
    Job job_;
    std::unique_ptr<Process> current_;
    std::list<std::unique_ptr<Process>> old_;
    Backoff backoff_;
    event::Timer restart_, wakeup_;
    bool is_retired_ = false;
    bool has_failed_ = false;
};

// Sends a wakeup to the Unix socket of a service, without ever waiting.
void send_wakeup(const std::string& path);

}  // namespace mta::master
