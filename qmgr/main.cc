#include "log/log.h"
#include "qmgr/manager.h"

using namespace mta;

int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "qmgr");
    const qmgr::Params params(process.config());
    process.drop_privileges();
    event::Loop loop;
    qmgr::Manager manager(loop, process, params);
    manager.start();
    return process.run(loop, [&] { manager.stop([&] { loop.stop(); }); });
}
