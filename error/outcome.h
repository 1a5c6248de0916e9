#pragma once

#include "deliver/agent.h"

namespace mta::error {

// What becomes of every recipient: the service `retry` defers, one of any other name bounces; the reason is the next hop,
// perhaps with an enhanced status in front.
deliver::Outcome outcome_for(const std::string& service, const std::string& nexthop);

}  // namespace mta::error
