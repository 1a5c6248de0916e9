#include "qmgr/dsn_id.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/text.h"
#include "queue/id.h"

namespace mta::qmgr {

namespace {

bool tells_of(std::string_view kind, const queue::Outcome& outcome, const queue::Recipient& recipient)
{
    if (kind == "failure")
        return outcome.has_failed();
    if (kind == "success")
        return outcome.action == "sent" && upper(recipient.notify).find("SUCCESS") != std::string::npos;
    return !outcome.is_final();
}

}  // namespace

std::string dsn_id(const queue::Mail& mail, std::string_view kind)
{
    if (kind == "delay" && mail.has_note(queue::delay_warned))
        return {};
    std::int64_t latest = -1;
    auto told = cat(mail.envelope.queue_id, ' ', kind);
    for (std::size_t i = 0; i < mail.outcomes.size(); ++i) {
        const auto& outcome = mail.outcomes[i];
        if (!outcome || outcome->notified || !tells_of(kind, *outcome, mail.envelope.recipients[i]))
            continue;
        latest = std::max(latest, outcome->time);
        told += cat(' ', i, ' ', outcome->time);
    }
    return latest < 0 ? std::string() : queue::new_id(latest, crc32c(told));
}

}  // namespace mta::qmgr
