#include "log/log.h"
#include "qmgr/manager.h"

using namespace mta;

namespace {

// How many agents master.cf lets run for each transport.
std::map<std::string, long> process_limits(const daemon::Process& process, const qmgr::Params& params)
{
    auto services = config::load_services(process.config().directory());
    if (!services)
        log::fatal(services.error().text);
    std::map<std::string, long> limits;
    for (const auto& service : *services)
        if (service.type == "unix")
            limits[service.name] = service.maxproc.value_or(params.default_process_limit);
    return limits;
}

}  // namespace

// What escapes ends the process, and lib/log says what it was.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "qmgr");
    const qmgr::Params params(process.config());
    auto limits = process_limits(process, params);
    auto visitors = qmgr::Visitors::open(params);
    if (!visitors)
        log::fatal(visitors.error().text);
    const std::string queue = process.common().queue_directory;
    sandbox::Rules rules;
    rules.add({sandbox::Calls::serve, sandbox::Calls::connect, sandbox::Calls::read_files, sandbox::Calls::write_files});
    rules.add(sandbox::Path::Use::write, queue).add(sandbox::Path::Use::hide, queue + "/pid");
    if (!visitors->are_equal()) {
        daemon::add_tables(rules, process.config());
        daemon::add_users(rules);
    }
    process.drop_privileges(rules);
    process.seal();  // before the first queue file is read
    mta::event::Loop loop;
    qmgr::Manager manager(loop, process, params, std::move(limits), *visitors);
    manager.start();
    return process.run(loop, [&] { manager.stop([&] { loop.stop(); }); });
}
