#pragma once

#include "config/config.h"

namespace mta::deliver {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::chrono::seconds> daemon_timeout{*this, "daemon_timeout", "18000s",
        "How long a delivery agent may go on with one delivery without any progress: a recipient's result, a piece of the message sent, "
        "a command that runs. Then it ends, or qmgr gives it up, and its mail is tried again later."};
};

}  // namespace mta::deliver
