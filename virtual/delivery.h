#pragma once

#include <optional>
#include <string>

#include "deliver/agent.h"
#include "virtual/mailboxes.h"

namespace mta::virtual_delivery {

// Delivers one mail to its recipients' maildirs, as their owner.
class Delivery {
public:
    // checks_owner: this process has become somebody, who must be the one that the tables name.
    Delivery(const Params& params, const Mailboxes& mailboxes, const service::DeliveryRequest& request, int message, bool checks_owner)
        : params_(params), mailboxes_(mailboxes), request_(request), message_(message), checks_owner_(checks_owner)
    {
    }
    deliver::Outcome to(const service::DeliveryRecipient& recipient);

private:
    Result<std::string> check(const service::DeliveryRecipient& recipient);

    const Params& params_;
    const Mailboxes& mailboxes_;
    const service::DeliveryRequest& request_;
    int message_;
    bool checks_owner_;
    std::optional<std::string> header_;  // read once
};

}  // namespace mta::virtual_delivery
