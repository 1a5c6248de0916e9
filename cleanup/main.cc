#include "cleanup/intake.h"
#include "daemon/process.h"
#include "log/log.h"

using namespace mta;

int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "cleanup");
    const cleanup::Params params(process.config());
    // Of the queue directory it needs what mail goes through, and of the sockets in it the two of its servers.
    const std::string queue = process.common().queue_directory;
    sandbox::Rules rules;
    rules.add({sandbox::Calls::serve, sandbox::Calls::read_files, sandbox::Calls::write_files}).add(sandbox::Path::Use::write, queue);
    for (const auto* part : {"/private", "/public", "/pid"})
        rules.add(sandbox::Path::Use::hide, queue + part);
    rules.socket(process.socket_path("rewrite")).socket(process.socket_path("qmgr", true));
    process.drop_privileges(rules);
    queue::Directory directory(queue);
    cleanup::Intake::Tools tools{params, directory, queue::Stock(directory), ipc::Client(process.socket_path("rewrite")), process.socket_path("qmgr", true), {}};
    return process.serve([&](Fd client) { cleanup::Intake(tools, std::move(client)).run(); });
}
