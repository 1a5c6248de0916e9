#pragma once

#include "route/router.h"
#include "service/rewrite.h"

namespace mta::rewrite {

// The answer to the purpose "expand": as much of it as fits a message.
service::ResolveReply expand(const route::Router& router, const service::ResolveRequest& request);

}  // namespace mta::rewrite
