#include "daemon/process.h"
#include "front/server.h"
#include "log/log.h"
#include "service/notify.h"

// front(8): accepts clients, TLS and logins of smtpd, imapd and pop3d; see man/man8/front.8.
int main(int argc, char** argv)
{
    using namespace mta;
    daemon::Process process(argc, argv, "front");
    const auto& worker = process.option('w');
    if (worker != "smtpd" && worker != "imapd" && worker != "pop3d")
        log::fatal("front(8) does not know the protocol of the program \"", worker, "\"");
    const front::Settings settings(process.config(), worker, process.service());
    auto in_queue = [&](const std::string& path) { return path.starts_with('/') ? path : cat(settings.common.queue_directory(), "/", path); };

    mta::event::Loop loop;
    front::Server server(loop, settings, {in_queue(process.option('W')), in_queue(settings.clients.sasl_path), process.socket_path("dns"),
                                          process.socket_path(service::notify_service, true)},
                         process.listeners());
    process.drop_privileges();
    server.start(process.listeners());
    auto end = [&] { loop.stop(); };
    return process.run(loop, [&] { server.stop(end); }, [&] { server.retire(end); });
}
