#pragma once

#include <string>
#include <vector>

#include "service/delivery.h"

// Requests to qmgr (service `qmgr`, public): "new" (a mail is in incoming; no answer), "flush" (try all now), "flush_id",
// "flush_site" (argument: a recipient domain), "released" (was taken off hold), "wakeup" (look into incoming), "limits" (the text of the
// answer has a line for each limit that was hit since master started: how often, a space, the name). All but "new"
// are answered by QueueReply. Flushing is for the users of authorized_flush_users, "limits" for everybody, the rest for root and the mail system.
namespace mta::service {

struct QueueRequest {
    std::string request, argument;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("request", self.request);
        visit("argument", self.argument);
    }
};

struct QueueReply {
    bool ok = true;
    std::string text;
    bool is_allowed = true;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("ok", self.ok);
        visit("text", self.text);
        visit("is_allowed", self.is_allowed);
    }
};

// Results that a delivery agent could not report because qmgr was restarted meanwhile. Travels with the descriptor of
// the queue file, which proves that qmgr had given us that mail. Answered by QueueReply.
struct OrphanReport {
    std::string request = "orphan", argument;  // argument: the queue ID
    std::vector<RecipientStatus> statuses;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("request", self.request);
        visit("argument", self.argument);
        visit("statuses", self.statuses);
    }
};

}  // namespace mta::service
