#pragma once

#include <memory>
#include <string>

#include "daemon/layout.h"
#include "event/event.h"
#include "master/launch.h"
#include "master/notify.h"
#include "master/setup.h"
#include "master/supervisor.h"

namespace mta::master {

// The running mail system: obeys signals, and tells the service manager and the log how things are.
class Master {
public:
    // hit_counts: what all processes share, for as long as this lives (net/hit_counts.h); -1: nothing.
    Master(Files files, Setup setup, Launch& launch, daemon::Owner owner, int hit_counts);

    // Opens the sockets and starts everything. An Error: nothing was started.
    Result<void> start();
    // Until the system was stopped; seconds: stops by itself after that time, if not zero.
    void run(std::chrono::seconds exit_after);

private:
    Supervisor::Settings settings(const Params& params) const;
    void watch_signals();
    void reload();
    bool needs_restart(const Params& fresh) const;  // says in the log what cannot be changed while we run
    void drain(int signal);
    void end(int signal);
    void settled();
    void changed();
    void late();
    void feed_watchdog();
    std::string status() const;

    event::Loop loop_;
    std::string config_directory_;
    Setup setup_;
    Launch& launch_;
    daemon::Owner owner_;
    int hit_counts_;
    Notifier notifier_;
    std::chrono::milliseconds watchdog_interval_;
    Supervisor supervisor_;
    event::Timer late_, watchdog_, exit_;
    std::vector<std::unique_ptr<event::Signal>> signals_;
    std::string told_status_;
    bool is_stopping_ = false;
};

// Where log lines go from now on: maillog_file or syslog; standard error if there is neither.
void open_log(const Params& params);

}  // namespace mta::master
