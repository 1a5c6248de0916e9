#include "daemon/process.h"
#include "log/log.h"
#include "pickup/intake.h"

using namespace mta;

int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "pickup");
    const pickup::Params params(process.config());
    process.drop_privileges();
    auto users = table::MatchList::open(params.authorized_submit_users());
    if (!users)
        log::fatal("authorized_submit_users: ", users.error().text);
    pickup::Tools tools{params, *users, service::Submission(process.socket_path("cleanup"))};
    return process.serve([&](Fd client) { pickup::Intake(tools, std::move(client)).run(); });
}
