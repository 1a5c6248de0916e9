#pragma once

#include "config/config.h"

namespace mta::sendmail {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::chrono::seconds> wait_limit{*this, "sendmail_wait_limit", "60s",
        "How long sendmail(1) waits for a mail system that is restarting before it fails with exit status 75."};
    config::Param<std::vector<std::string>> alias_database{*this, "alias_database", "hash:/etc/aliases",
        "The alias tables that newaliases rebuilds."};
    config::Param<bool> fix_line_endings{*this, "sendmail_fix_line_endings", "yes",
        "Whether sendmail(1) takes CRLF in its input for a line end."};
};

}  // namespace mta::sendmail
