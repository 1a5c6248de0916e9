#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "event/event.h"
#include "ipc/peer.h"

namespace mta::keys {

// What was in each file, or why it could not be read.
using Files = std::map<std::string, Result<std::string>>;

// keys gives up the right to open key files, but certificates are renewed. A child process that stays what keys was at its start
// looks at the files, opens those that have changed and passes on the descriptors. It hears nobody and reads nothing, and ends
// when it sees that its socket is closed.
class Opener {
public:
    // Starts the child, in a sandbox of its own or not; the listeners are not for it.
    Opener(const std::vector<std::string>& paths, const std::vector<Fd>& listeners, bool is_confined);
    Opener(const Opener&) = delete;

    // Waits for what the files hold now.
    Files first();
    // From now on, the handler is told when one has changed. The end of the child is ours, too.
    void watch(event::Loop& loop, std::function<void(Files)> changed);

private:
    void take(ipc::Message message);

    ipc::Channel channel_;
    std::unique_ptr<ipc::Peer> child_;
    std::function<void(Files)> changed_;
    Files files_;
};

}  // namespace mta::keys
