#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/limit.h"

namespace mta::daemon {

struct Params : config::Group {
    using Group::Group;
    config::Param<bool> sandbox{*this, "sandbox", "yes",
        "Whether each daemon gives up what it does not need: files, network, system calls; see buuta-sandbox(7). Without it, a daemon "
        "that is broken into can do what its user can do."};
    config::Param<config::Limit> worker_memory_limit{*this, "worker_memory_limit", "268435456",
        "The most memory in bytes for the data of a process that serves one client or mail at a time, or none. A process that needs more loses "
        "what it has in hand, as a temporary error. Only in a sandbox."};
    config::Param<config::Limit> daemon_memory_limit{*this, "daemon_memory_limit", "4294967296",
        "The same for a process that serves all clients of a service."};
    config::Param<config::Limit> worker_file_limit{*this, "worker_file_limit", "1024",
        "The most files and connections that a process may have open which serves one client or mail at a time, or none: as many as master."};
};

// Of imapd and pop3d.
struct MailboxParams : config::Group {
    using Group::Group;
    config::Param<std::vector<std::string>> mailbox_directories{*this, "mailbox_directories", "",
        "The directories below which all mailboxes are that imapd(8) and pop3d(8) open: of the host's files they see nothing else then. Empty: "
        "mailboxes can be anywhere."};
};

}  // namespace mta::daemon
