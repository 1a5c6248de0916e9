#pragma once

#include "config/config.h"

namespace mta::pop3d {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::chrono::seconds> timeout{*this, "pop3d_timeout", "600s",
        "How long a client may say nothing before it is disconnected. RFC 1939 wants 10 minutes at least."};
    config::Param<std::chrono::seconds> write_timeout{*this, "pop3d_write_timeout", "300s",
        "How long a client may take for accepting what it has asked for."};
    config::Param<long> error_limit{*this, "pop3d_error_limit", "20",
        "The number of refused commands after which a client is disconnected."};
};

}  // namespace mta::pop3d
