#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "qmgr/clock.h"
#include "queue/directory.h"
#include "queue/id.h"
#include "service/delivery.h"

namespace mta::qmgr {

// A mail while it is being delivered: from its activation until it is removed or deferred.
struct ActiveMail {
    std::string id;
    Fd fd;                         // read-only and locked; agents get copies, so the lock outlives us
    queue::Mail mail;
    std::int64_t activated = 0;    // microseconds since 1970
    bool first_try = false;
    std::size_t open = 0;          // recipients without a result of this attempt
    std::size_t entries = 0;       // deliveries that were given to a transport and are not over
    std::vector<std::string> dsns; // kinds that are to be sent before the mail is finished
    std::size_t asked = 0;         // the resolver was asked about the recipients before this one
    std::vector<queue::Outcome> unrecorded;  // final results that could not be written yet
    std::vector<std::size_t> unsynced;       // recipients whose final results are written, and may not be on the disk yet
    bool is_removable = false;     // all is done and written, only the file could not be removed yet
    Fd append_fd;                  // opened when there is something to append

    const queue::Envelope& envelope() const { return mail.envelope; }
    std::int64_t age() const { return queue::now() - mail.envelope.arrival; }
    // Nothing is left to do but to remove it.
    bool goes_at_once() const;
    // How long it is here for certain, whoever has set the clock since.
    std::int64_t waited() const { return std::min(queue::now(), steady_now()) - mail.envelope.arrival; }
};

inline queue::Outcome outcome_of(const service::RecipientStatus& s)
{
    return {s.number, s.action, s.status, s.text, s.mta, s.reply, queue::now(), s.relayed};
}

// Some recipients of a mail that go to one destination in one delivery.
struct Entry {
    ActiveMail* mail = nullptr;
    struct Target {
        long number;
        std::string address;       // where rewriting says it goes
    };
    std::vector<Target> targets;
    std::string owner;             // "5000:5000", a user's name, or empty
};

}  // namespace mta::qmgr
