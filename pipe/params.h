#pragma once

#include "config/common.h"

namespace mta::pipe {

// What pipe reads from main.cf; the time limit of a service is <service>_time_limit.
struct Params : config::Common {
    using Common::Common;
    config::Param<std::chrono::seconds> command_time_limit{*this, "command_time_limit", "1000s",
        "How long an external command may work on a mail; local(8) and pipe(8)."};
    config::Param<long> command_process_limit{*this, "command_process_limit", "1000",
        "The number of processes of a command's user at which the command can start no more of them."};
    config::Param<std::vector<std::string>> export_environment{*this, "export_environment", "TZ MAIL_CONFIG LANG",
        "The environment of external commands besides PATH: names whose values are kept, and name=value pairs."};
    config::Param<bool> allow_min_user{*this, "allow_min_user", "no",
        "Addresses may begin with a dash, though a command could take them for an option."};
};

}  // namespace mta::pipe
