#include "daemon/process.h"
#include "log/log.h"
#include "pickup/intake.h"

using namespace mta;

// What escapes ends the process, and lib/log says what it was.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "pickup");
    const pickup::Params params(process.config());
    table::MatchList::Options options;
    options.table.may_be_missing = true;
    auto users = table::MatchList::open(params.authorized_submit_users(), options);
    if (!users)
        log::fatal("authorized_submit_users: ", users.error().text);
    auto rules = process.table_rules();
    daemon::add_users(rules);
    process.drop_privileges(rules.add({sandbox::Calls::serve}).socket(process.socket_path("cleanup")));
    pickup::Tools tools{params, *users, service::Submission(process.socket_path("cleanup"))};
    daemon::Process::Workers workers;
    workers.renew = [&] { users->renew(); };
    return process.serve([&](Fd client) { pickup::Intake(tools, std::move(client)).run(); }, workers);
}
