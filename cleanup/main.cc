#include "cleanup/intake.h"
#include "daemon/process.h"
#include "log/log.h"

using namespace mta;

int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "cleanup");
    const cleanup::Params params(process.config());
    process.drop_privileges();
    queue::Directory directory(process.common().queue_directory);
    cleanup::Intake::Tools tools{params, directory, queue::Stock(directory), ipc::Client(process.socket_path("rewrite")), process.socket_path("qmgr", true), {}};
    return process.serve([&](Fd client) { cleanup::Intake(tools, std::move(client)).run(); });
}
