#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "master/post.h"

namespace mta::master {

// Keeps the processes of a plan running.
class Supervisor {
public:
    struct Settings {
        Surroundings surroundings;
        std::chrono::milliseconds throttle_limit{60000};
        std::chrono::milliseconds drain_limit{30000};
        std::optional<Sockets::Owner> owner;  // of the Unix sockets
    };
    struct Handlers {
        std::function<void()> settled;   // every process of the plan was tried
        std::function<void()> changed;   // after that: one has become ready, or has failed
        std::function<void()> all_gone;  // after drain() or end()
    };
    Supervisor(event::Loop& loop, Handlers handlers);

    // Opens the sockets of the plan and starts its processes; those of an earlier plan finish their work. An Error
    // (a socket that cannot be bound) leaves everything as it was. patience: see Sockets::open().
    Result<void> apply(Plan plan, Settings settings, std::chrono::milliseconds patience = {});
    void drain();   // lets everything end in peace, within the limit
    void end();     // at once
    // Collects the processes that have ended.
    void reap();

    // Since the last apply() every process has become ready or has failed once.
    bool is_settled() const;
    // Programs that wait for another try, with their places in master.cf.
    std::vector<std::string> failing() const;
    std::vector<std::string> unready() const;
    std::size_t size() const { return posts_.size(); }

private:
    std::vector<std::string> names_if(const std::function<bool(const Post&)>& is_meant) const;
    void changed();
    void exited(pid_t pid, int status);
    void forget_empty();

    Handlers handlers_;
    Sockets sockets_;
    Duty duty_;
    std::map<std::string, std::unique_ptr<Post>> posts_;      // by the key of the job
    std::vector<std::unique_ptr<Post>> retired_;
    bool is_stopping_ = false;
    bool is_applying_ = false;
    bool has_told_settled_ = false;
};

}  // namespace mta::master
