#pragma once

#include <string>

// qmgr asks bounce (service `bounce`) for a DSN about a mail; the queue file travels as a read-only descriptor, its records
// say what happened to whom. The answer comes when the DSN is durable in the queue (or need not be sent).
namespace mta::service {

struct BounceRequest {
    std::string kind;              // "failure", "delay", "success"; "corrupt": postmaster is told, there is no descriptor
    std::string queue_id;
    std::string reason;            // of "corrupt": what is wrong with the file
    std::string dsn_id;            // the queue ID that the DSN gets; of "corrupt" none
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("kind", self.kind);
        visit("queue_id", self.queue_id);
        visit("reason", self.reason);
        visit("dsn_id", self.dsn_id);
    }
};

struct BounceReply {
    bool ok = false;
    std::string text;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("ok", self.ok);
        visit("text", self.text);
    }
};

}  // namespace mta::service
