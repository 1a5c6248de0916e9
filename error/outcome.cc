#include "error/outcome.h"

#include "deliver/reason.h"

namespace mta::error {

deliver::Outcome outcome_for(const std::string& service, const std::string& nexthop)
{
    bool defers = service == "retry";
    auto reason = deliver::split_reason(nexthop, defers ? '4' : '5', defers ? "4.0.0" : "5.0.0");
    return {defers ? deliver::Action::deferred : deliver::Action::bounced, reason.status, reason.text, "", ""};
}

}  // namespace mta::error
