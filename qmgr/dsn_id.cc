#include "qmgr/dsn_id.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/text.h"
#include "queue/id.h"

namespace mta::qmgr {

bool has_news(const queue::Mail& mail, std::string_view kind, std::size_t recipient)
{
    const auto& outcome = mail.outcomes[recipient];
    if (!outcome || outcome->notified)
        return false;
    if (kind == "failure")
        return outcome->has_failed();
    if (kind == "success")
        return outcome->action == "sent" && upper(mail.envelope.recipients[recipient].notify).find("SUCCESS") != std::string::npos;
    return !outcome->is_final();
}

std::string dsn_id(const queue::Mail& mail, std::string_view kind)
{
    if (kind == "delay" && mail.has_note(queue::delay_warned))
        return {};
    std::int64_t latest = -1;
    auto told = cat(mail.envelope.queue_id, ' ', kind);
    for (std::size_t i = 0; i < mail.outcomes.size(); ++i) {
        if (!has_news(mail, kind, i))
            continue;
        auto time = mail.outcomes[i]->time;
        latest = std::max(latest, time);
        told += cat(' ', i, ' ', time);
    }
    return latest < 0 ? std::string() : queue::new_id(latest, crc32c(told));
}

}  // namespace mta::qmgr
