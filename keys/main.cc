#include <deque>

#include "daemon/params.h"
#include "daemon/process.h"
#include "keys/responder.h"
#include "log/log.h"

namespace {

using namespace mta;

std::vector<keys::Grant> grants_of(const daemon::Process& process)
{
    const auto& arguments = process.arguments();
    if (arguments != std::vector<std::string>{std::string(service::tls_key_set)})
        log::fatal("service ", process.service(), ": the argument must name a set of keys: ", service::tls_key_set);
    auto services = config::load_services(process.config().directory());
    if (!services)
        log::fatal(services.error().text);
    return keys::tls_grants(*services, process.config().directory());
}

keys::Responder responder_for(keys::Keyring& keyring, const std::vector<keys::Grant>& grants, const daemon::Process& process)
{
    auto secret = service::Secret::load(service::keys_secret_path(process.common().queue_directory));
    if (!secret)
        log::fatal(secret.error().text);
    return keys::Responder(keyring, grants, *secret);
}

}  // namespace

// keys(8): has the private keys, and signs with them; see man/man8/keys.8.
int main(int argc, char** argv)
{
    using namespace std::chrono_literals;
    daemon::Process process(argc, argv, "keys");
    const auto grants = grants_of(process);
    keys::Keyring keyring(grants);
    keys::Opener opener(keyring.paths(), process.listeners(), daemon::Params(process.config()).sandbox);
    keyring.load(opener.first());
    process.end_trial();
    auto responder = responder_for(keyring, grants, process);
    process.drop_privileges(sandbox::Rules().add({sandbox::Calls::serve}), "keys");

    mta::event::Loop loop;
    mta::event::Timer forget(loop, [&] { keyring.forget_replaced(); });
    opener.watch(loop, [&](const keys::Files& files) {
        keyring.load(files);
        forget.start(10s);
        responder.changed();
    });
    std::deque<ipc::Server> servers;
    for (const auto& listener : process.listeners())
        servers.emplace_back(loop, listener.get(), [&](const ipc::Message& request, const ipc::Server::Reply& reply) { responder.respond(request, reply); });
    return process.run(loop);
}
