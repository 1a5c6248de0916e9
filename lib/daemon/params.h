#pragma once

#include "config/config.h"

namespace mta::daemon {

struct Params : config::Group {
    using Group::Group;
    config::Param<bool> sandbox{*this, "sandbox", "yes",
        "Whether each daemon gives up what it does not need: files, network, system calls; see buuta-sandbox(7). Without it, a daemon "
        "that is broken into can do what its user can do."};
};

}  // namespace mta::daemon
