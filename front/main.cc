#include <sys/resource.h>

#include <algorithm>

#include "daemon/file_rules.h"
#include "daemon/process.h"
#include "front/server.h"
#include "log/log.h"
#include "service/keys.h"
#include "service/notify.h"

namespace {

using namespace mta;

// The ticket can be made as root only.
service::KeysAccess keys_access(const daemon::Process& process, const front::Settings& settings)
{
    if (!settings.tls.is_on())
        return {};
    auto secret = service::Secret::load(service::keys_secret_path(process.common().queue_directory));
    if (!secret)
        log::fatal(secret.error().text);
    return {process.socket_path(service::keys_service), process.service(), service::keys_ticket(*secret, service::tls_key_set, process.service())};
}

// A server of authentication that is not ours may make its socket anew: then its directory is needed.
bool is_ours(const daemon::Process& process, const std::string& path)
{
    auto services = config::load_services(process.config().directory());
    return services && std::any_of(services->begin(), services->end(), [&](const config::Service& service) {
               return service.type == "unix" && process.socket_path(service.name, !service.is_private) == path;
           });
}

// With TLS a client in a worker takes four: itself, two ends of a socketpair, and the connection to the worker. More than master has are
// only to be had by root.
void reserve_descriptors(const front::Settings& settings)
{
    constexpr rlim_t for_each = 4, for_the_rest = 256;
    rlimit now{};
    const auto& most = settings.clients.connection_total_limit();
    if (most.is_none() || ::getrlimit(RLIMIT_NOFILE, &now) != 0)
        return;
    const rlim_t wanted = for_each * most.number() + for_the_rest, before = now.rlim_cur;
    now.rlim_cur = now.rlim_max = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &now) != 0 && before < most.number() + for_the_rest)
        log::warning(settings.worker, "_client_connection_total_limit = ", most.number(), ", but there are only ", before, " descriptors");
}

sandbox::Rules rules_for(const daemon::Process& process, const front::Settings& settings, const front::Server::Paths& paths)
{
    sandbox::Rules rules;
    rules.add({sandbox::Calls::serve}).socket(paths.worker).socket(paths.dns).socket(paths.notify);
    if (settings.tls.is_on())
        rules.socket(process.socket_path(service::keys_service));
    // Certificates come from keys; those of clients' authorities in a directory are looked for when they are needed.
    daemon::add_file(rules, settings.tls.ca_path().empty() ? "" : cat(settings.tls.ca_path(), "/"));
    return rules.socket(is_ours(process, paths.auth) ? paths.auth : paths.auth.substr(0, paths.auth.rfind('/')));
}

}  // namespace

// front(8): accepts clients, TLS and logins of smtpd, imapd and pop3d; see man/man8/front.8.
int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "front");
    const auto& worker = process.option('w');
    if (worker != "smtpd" && worker != "imapd" && worker != "pop3d")
        log::fatal("front(8) does not know the protocol of the program \"", worker, "\"");
    const front::Settings settings(process.config(), worker, process.service());
    auto in_queue = [&](const std::string& path) { return path.starts_with('/') ? path : cat(settings.common.queue_directory(), "/", path); };

    mta::event::Loop loop;
    const front::Server::Paths paths{in_queue(process.option('W')), in_queue(settings.clients.sasl_path), process.socket_path("dns"),
                                     process.socket_path(service::notify_service, true)};
    front::Server server(loop, settings, paths);
    process.end_trial();
    auto keys = keys_access(process, settings);
    reserve_descriptors(settings);
    process.drop_privileges(rules_for(process, settings, paths), "front");
    server.start(process.listeners(), std::move(keys));
    auto end = [&] { loop.stop(); };
    return process.run(loop, [&] { server.stop(end); }, [&] { server.retire(end); });
}
