#pragma once

#include "config/config.h"

namespace mta::master {

// master stays root, for its children have to become others. What neither it nor any of them needs is given up here, for all of
// them: capabilities, no_new_privs, system calls. Says what the host lacks for the sandboxes of the daemons.
void give_up_privileges(const config::Config& config);

// --selftest-sandbox: prints what master could do.
int test_sandbox(const config::Config& config);

}  // namespace mta::master
