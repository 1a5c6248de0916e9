#include "error/outcome.h"

#include "mail/status.h"

namespace mta::error {

deliver::Outcome outcome_for(const std::string& service, const std::string& nexthop)
{
    bool defers = service == "retry";
    auto fallback = defers ? "4.0.0" : "5.0.0";
    auto [status, text] = mail::split_status(nexthop, fallback);
    if (status.front() != *fallback)
        status = fallback;  // of a class that would contradict what we do
    return {defers ? deliver::Action::deferred : deliver::Action::bounced, status, std::string(text), "", ""};
}

}  // namespace mta::error
