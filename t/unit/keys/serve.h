#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/fd.h"
#include "event/event.h"
#include "ipc/peer.h"
#include "keys/responder.h"

namespace mta::keys::test {

// What keys/main.cc does, for tests that have no master: until the process is killed.
[[noreturn]] inline void serve(const std::vector<Grant>& grants, const std::string& secret_path, const std::vector<Fd>& listeners)
{
    event::Loop loop;
    Keyring keyring(grants);
    Opener opener(keyring.paths(), listeners, false);
    keyring.load(opener.first());
    Responder responder(keyring, grants, *service::Secret::load(secret_path));
    opener.watch(loop, [&](const Files& files) {
        keyring.load(files);
        responder.changed();
    });
    std::deque<ipc::Server> servers;
    for (const auto& listener : listeners)
        servers.emplace_back(loop, listener.get(), [&](const ipc::Message& request, const ipc::Server::Reply& reply) { responder.respond(request, reply); });
    loop.run();
    ::_exit(0);
}

}  // namespace mta::keys::test
