#include "master/privileges.h"

#include "config/common.h"
#include "daemon/params.h"
#include "log/log.h"
#include "sandbox/probe.h"
#include "sandbox/sandbox.h"

namespace mta::master {

namespace {

void require(const Result<void>& done)
{
    if (!done)
        log::fatal("cannot give up privileges: ", done.error().text, "; \"sandbox = no\" in main.cf keeps them");
}

}  // namespace

void give_up_privileges(const config::Config& config)
{
    if (const daemon::Params params(config); !params.sandbox) {
        log::warning("sandbox = no: a daemon that is broken into can do what its user can do");
        return;
    }
    for (const auto& missing : sandbox::missing_facilities())
        log::warning("sandbox: ", missing);
    require(sandbox::limit_capabilities(sandbox::capabilities_of_master()));
    require(sandbox::give_up_privileges());
    if (!sandbox::is_sanitized)
        require(sandbox::Filter::make(sandbox::Filter::Kind::forbid, sandbox::never_needed_by_anyone()).load());
}

int test_sandbox(const config::Config& config)
{
    sandbox::Selftest test(config::Common(config).queue_directory, config.directory(), "nobody");
    if (!test.begin())
        return 0;
    give_up_privileges(config);
    test.attempt();
}

}  // namespace mta::master
