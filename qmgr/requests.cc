#include <sys/stat.h>

#include "log/log.h"
#include "net/hit_counts.h"
#include "qmgr/clock.h"
#include "qmgr/manager.h"

namespace mta::qmgr {

namespace {

std::string hit_limits()
{
    std::string text;
    for (const auto& [limit, hits] : net::hit_counts())
        text += cat(limit, " ", hits, "\n");
    return text;
}

}  // namespace

void Manager::handle(uid_t user, ipc::Message message, const ipc::Server::Reply& reply)
{
    auto request = ipc::unpack<service::QueueRequest>(message);
    if (!request)
        return reply(ipc::pack(service::QueueReply{false, request.error().text}));
    auto allowed = visitors_.may_ask(user, request->request);
    if (!allowed)
        return reply(request->request == "new" ? ipc::Message() : ipc::pack(service::QueueReply{false, allowed.error().text, !allowed.error().is_permanent()}));
    if (request->request == "new") {
        if (queue::is_id(request->argument))
            fresh_.emplace_back(request->argument, true);
        return activate_due();
    }
    reply(ipc::pack(request->request == "orphan" ? orphan(message) : obey(*request)));
    activate_due();
}

service::QueueReply Manager::obey(const service::QueueRequest& request)
{
    auto now = steady_seconds();
    if (request.request == "wakeup") {
        look_into_incoming();
    } else if (request.request == "flush") {
        look_into_incoming();
        for (auto& [name, transport] : transports_)
            transport->resume();
        due_.flush();
    } else if (request.request == "flush_id" || request.request == "released") {
        if (!queue::is_id(request.argument))
            return {false, "bad queue ID"};
        for (auto& [name, transport] : transports_)
            transport->resume();
        if (!due_.flush(request.argument, now)) {
            auto found = queue_.find(request.argument);
            if (!found)
                return {false, found.error().text};
            if (*found == queue::State::incoming || *found == queue::State::deferred)
                due_.add(request.argument, **found, now);
        }
    } else if (request.request == "flush_site") {
        for (auto& [name, transport] : transports_)
            transport->resume();
        if (!site_flush_.add(request.argument))
            return {false, "too many sites are being flushed; try again later"};
    } else if (request.request == "limits") {
        return {true, hit_limits()};
    } else {
        return {false, cat("unknown request: ", printable(request.request))};
    }
    return {};
}

// There may be mail of which nobody told us, for example when cleanup was killed just before it could.
void Manager::look_into_incoming()
{
    queue_.settle_leftovers(leftover_seconds);
    std::set<std::string, std::less<>> known;
    for (const auto& [id, first_try] : fresh_)
        known.insert(id);
    auto ids = queue_.list(queue::State::incoming);
    for (const auto& id : ids ? *ids : std::vector<std::string>{})
        if (!known.contains(id))
            fresh_.emplace_back(id, false);
}

// An agent outlived the qmgr that had sent it, or was given up and did go on. Its descriptor proves that the mail was given to it.
service::QueueReply Manager::orphan(const ipc::Message& message)
{
    auto report = ipc::unpack<service::OrphanReport>(message);
    if (!report || !message.fd || !queue::is_id(report->argument))
        return {false, "bad report"};
    const auto& id = report->argument;
    auto state = queue_.find(id);
    if (!state)
        return {false, state.error().text};
    if (!*state)
        return {};
    auto fd = queue_.open(**state, id);
    struct stat theirs {}, ours {};
    if (!fd || ::fstat(message.fd.get(), &theirs) != 0 || ::fstat(fd->get(), &ours) != 0 || theirs.st_ino != ours.st_ino ||
        theirs.st_dev != ours.st_dev)
        return {false, "not the descriptor of this mail"};
    if (auto active = active_.find(id); active != active_.end())
        return late_results(*active->second, report->statuses);
    for (const auto& s : report->statuses)
        if (auto done = queue::Directory::append(fd->get(), outcome_of(s), false); !done)
            return {false, done.error().text};
    if (auto done = queue::Directory::sync_appended(fd->get()); !done)
        return {false, done.error().text};
    due_.flush(id, steady_seconds() + 1);  // the agent lets go of its lock when it has our answer
    return {};
}

// Results of an agent that was given up while others still deliver the mail: they take the place of "deferred". One that
// we have not given up yet must ask again.
service::QueueReply Manager::late_results(ActiveMail& mail, const std::vector<service::RecipientStatus>& statuses)
{
    auto outcome = [&](const service::RecipientStatus& s) -> std::optional<queue::Outcome>& {
        return mail.mail.outcomes.at(static_cast<std::size_t>(s.number));
    };
    for (const auto& s : statuses) {
        if (s.number < 0 || static_cast<std::size_t>(s.number) >= mail.mail.outcomes.size())
            return {false, "bad report"};
        if (!outcome(s) || (!outcome(s)->is_final() && outcome(s)->time < mail.activated))
            return {false, "still being delivered"};
    }
    for (const auto& s : statuses) {
        if (outcome(s)->is_final())
            continue;
        outcome(s) = outcome_of(s);
        record(mail, *outcome(s));
    }
    sync_results(mail);
    return {};
}

}  // namespace mta::qmgr
