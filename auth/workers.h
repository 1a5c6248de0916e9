#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "auth/checker.h"
#include "event/event.h"
#include "ipc/peer.h"

namespace mta::auth {

// A few child processes that run a Checker each. A question waits until one of them is free; one that dies is replaced,
// and what it had in hand is answered by "error".
class Workers {
public:
    using Done = std::function<void(const CheckReply&)>;
    // close_in_child is called in every new child, which must not keep the parent's sockets.
    Workers(event::Loop& loop, long count, Checker& checker, std::function<void()> close_in_child);
    ~Workers();
    Workers(const Workers&) = delete;

    // Asks; done may be called at once if too many questions wait. Returns a number for cancel().
    long long ask(CheckRequest request, Done done);
    // Nobody waits for that answer any more.
    void cancel(long long number);
    std::size_t waiting() const { return queue_.size(); }

private:
    struct Worker {
        std::unique_ptr<ipc::Peer> peer;
        pid_t pid = 0;
        int fd = -1;              // the peer's
        long long busy_with = 0;  // 0: free
    };
    void start(Worker& worker);
    void run_child(int socket);
    void lost(Worker& worker);
    void answered(Worker& worker, const ipc::Message& message);
    void next();

    event::Loop& loop_;
    Checker& checker_;
    std::function<void()> close_in_child_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::deque<CheckRequest> queue_;
    std::map<long long, Done> done_;
    long long last_number_ = 0;
    event::Timer restart_;
};

}  // namespace mta::auth
