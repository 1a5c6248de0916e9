#pragma once

#include "config/common.h"

namespace mta::master {

// What master reads from main.cf.
struct Params : config::Common {
    using Common::Common;
    config::Param<std::chrono::seconds> shutdown_time_limit{*this, "shutdown_time_limit", "30s",
        "How long a stopping service may finish what it has in hand before it is ended; the same holds at reload for a service of which there is only one process."};
    config::Param<std::vector<std::string>> import_environment{*this, "import_environment",
        "MAIL_CONFIG TZ LANG=C PATH=/usr/bin:/bin ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS",
        "The environment of all daemons: names whose values are kept, and name=value pairs; all else is removed."};
};

}  // namespace mta::master
