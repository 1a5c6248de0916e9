// dns: the caching stub resolver of the suite.
#include <deque>

#include "daemon/process.h"
#include "dns/params.h"
#include "dns/responder.h"
#include "log/log.h"

// What escapes ends the process, and lib/log says what it was.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    using namespace mta;
    daemon::Process process(argc, argv, "dns");
    const dnsd::Params params(process.config());
    auto options = dnsd::options_of(params);
    if (!options)
        log::fatal(options.error().text);
    sandbox::Rules rules;
    rules.add({sandbox::Calls::serve, sandbox::Calls::internet, sandbox::Calls::datagram});
    rules.has_network = true;
    for (const auto& server : options->servers)
        rules.ports->push_back(server.port);
    process.drop_privileges(rules, "dns");
    mta::event::Loop loop;
    dns::Resolver resolver(loop, std::move(*options));
    std::deque<ipc::Server> servers;
    for (const auto& listener : process.listeners())
        servers.emplace_back(loop, listener.get(), [&](ipc::Message request, ipc::Server::Reply reply) {
            dnsd::respond(resolver, request, std::move(reply));
        });
    return process.run(loop);
}
