#pragma once

#include "dns/params.h"
#include "dns/resolver.h"
#include "ipc/message.h"
#include "ipc/peer.h"

namespace mta::dnsd {

// The resolver's options as main.cf and resolv.conf say; an Error names what is wrong.
Result<dns::Options> options_of(const Params& params);

// Answers one question of another daemon, now or later.
void respond(dns::Resolver& resolver, const ipc::Message& request, ipc::Server::Reply reply);

}  // namespace mta::dnsd
