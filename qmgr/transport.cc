#include "qmgr/transport.h"

#include <fcntl.h>

#include <algorithm>

#include "log/log.h"

namespace mta::qmgr {

using namespace std::chrono_literals;

namespace {

constexpr auto agent_idle_limit = 5s;

// The agent's own limit, daemon_timeout and a quarter, comes first, wherever it can still end itself.
std::chrono::milliseconds stuck_limit(const Params& params) { return std::chrono::milliseconds(params.daemon_timeout()) * 3 / 2; }

long process_limit(const Transport::Context& context, const std::string& name)
{
    auto found = context.process_limits.find(name);
    return found == context.process_limits.end() ? context.params.default_process_limit() : found->second;
}

}  // namespace

Transport::Transport(Context context, std::string name)
    : context_(context), name_(std::move(name)), settings_(TransportSettings::of(name_, context_.params)),
      process_limit_(process_limit(context_, name_)), idle_timer_(context_.loop, [this] { close_idle(); }),
      wake_timer_(context_.loop, [this] { schedule(); }), stuck_timer_(context_.loop, [this] { give_up_stuck(); })
{
}

Transport::~Transport() = default;

long Transport::busy() const
{
    return std::count_if(agents_.begin(), agents_.end(), [](const auto& agent) { return agent->destination != nullptr; });
}

Destination* Transport::most_crowded() const
{
    Destination* most = nullptr;
    for (const auto& [key, destination] : destinations_)
        if (!most || destination->waiting_mails() > most->waiting_mails())
            most = destination.get();
    return most;
}

bool Transport::has_room(std::size_t agents) const { return process_limit_ == 0 || static_cast<long>(agents) < process_limit_; }

void Transport::add(const std::string& nexthop, Entry entry)
{
    auto now = Clock::now();
    if (now < dead_until_)
        return context_.observer.entry_done(std::move(entry), "4.3.0", dead_text_);
    // Where each delivery has one recipient, limits are for each recipient (Postfix: local(8)).
    auto key = settings_.recipient_limit == 1 ? entry.targets[0].address : nexthop;
    auto& destination = destinations_[lower(key)];
    if (!destination)
        destination = std::make_unique<Destination>(lower(key), nexthop, settings_);
    if (destination->is_suspended(now))
        return context_.observer.entry_done(std::move(entry), destination->reason_status(),
                                            cat("delivery temporarily suspended: ", destination->reason_text()));
    destination->add(std::move(entry));
    list(*destination);
}

void Transport::list(Destination& destination)
{
    if (destination.is_listed)
        return;
    destination.is_listed = true;
    round_.push_back(&destination);
}

// Destinations take turns, one delivery each, as long as one may start and an agent can be had.
void Transport::schedule()
{
    if (stopping_)
        return;
    auto now = Clock::now();
    std::optional<Clock::time_point> wake;
    for (auto left = round_.size(); left > 0 && !round_.empty(); --left) {
        auto* destination = round_.front();
        round_.pop_front();
        destination->is_listed = false;
        if (auto at = destination->wakes_at(now)) {
            wake = std::min(wake.value_or(*at), *at);
            list(*destination);
            continue;
        }
        if (!destination->is_ready(now))
            continue;  // listed again when a delivery of it ends
        if (!has_room(static_cast<std::size_t>(busy()))) {
            list(*destination);
            break;
        }
        start(*destination);
        if (destination->is_ready(now) || destination->wakes_at(now)) {
            list(*destination);
            left = std::max<std::size_t>(left, 2);  // more may start in this round
        }
    }
    if (wake)
        wake_timer_.start(std::chrono::ceil<std::chrono::milliseconds>(*wake - now));
}

Transport::Agent* Transport::agent_for(const Entry& entry, const Destination& destination)
{
    Agent* best = nullptr;
    for (auto& agent : agents_) {
        if (agent->destination || agent->owner != entry.owner)
            continue;
        if (agent->nexthop == destination.nexthop())
            return agent.get();
        if (!best || agent->idle_since < best->idle_since)
            best = agent.get();
    }
    if (best)
        return best;
    if (!has_room(agents_.size())) {
        auto idle = std::find_if(agents_.begin(), agents_.end(), [](const auto& agent) { return !agent->destination; });
        if (idle != agents_.end())
            agents_.erase(idle);  // of another owner
    }
    return connect(entry.owner);
}

Transport::Agent* Transport::connect(const std::string& owner)
{
    auto fd = net::connect_unix(context_.socket_directory + name_, 100ms);
    if (!fd) {
        unavailable(fd.error().text);
        return nullptr;
    }
    auto agent = std::make_unique<Agent>();
    auto* raw = agent.get();
    agent->owner = owner;
    agent->peer = std::make_unique<ipc::Peer>(
        context_.loop, *std::move(fd), [this, raw](ipc::Message message) { received(*raw, message); }, [this, raw] { lost(*raw); });
    agent->peer->send(ipc::pack(service::Owner{owner}));
    agents_.push_back(std::move(agent));
    return raw;
}

// The agents' socket does not answer: nothing of this transport is tried for a while.
void Transport::unavailable(const std::string& why)
{
    log::warning("connect to transport private/", name_, ": ", why);
    dead_until_ = Clock::now() + context_.params.transport_retry_time();
    dead_text_ = "mail transport unavailable";
    std::list<Entry> all;
    for (auto& [nexthop, destination] : destinations_)
        all.splice(all.end(), destination->take_all());
    give_back(std::move(all), "4.3.0", dead_text_);
}

void Transport::give_back(std::list<Entry> entries, const std::string& status, const std::string& text)
{
    for (auto& entry : entries)
        context_.observer.entry_done(std::move(entry), status, text);
}

namespace {

service::DeliveryRequest request_for(const Entry& entry, const Destination& destination)
{
    const auto& mail = *entry.mail;
    const auto& envelope = mail.envelope();
    service::DeliveryRequest request;
    request.queue_id = mail.id;
    request.reverse_path = envelope.reverse_path;
    request.nexthop = destination.nexthop();
    request.offset = static_cast<std::int64_t>(mail.mail.content_offset);
    request.size = static_cast<std::int64_t>(mail.mail.content_bytes);
    request.arrival = envelope.arrival;
    request.activated = mail.activated;
    request.body = envelope.body;
    request.envid = envelope.envid;
    request.ret = envelope.ret;
    request.client_name = envelope.client_name;
    request.client_address = envelope.client_address;
    request.helo = envelope.helo;
    request.protocol = envelope.protocol;
    request.sasl_method = envelope.sasl_method;
    request.sasl_username = envelope.sasl_username;
    request.keep_open = destination.has_waiting();
    request.first_try = mail.first_try;
    request.copy_of = envelope.copy_of;
    for (const auto& target : entry.targets) {
        const auto& recipient = envelope.recipients[static_cast<std::size_t>(target.number)];
        auto original = recipient.original.empty() && !iequals(recipient.address, target.address) ? recipient.address : recipient.original;
        request.recipients.push_back({target.number, target.address, original, recipient.orcpt, recipient.notify});
    }
    return request;
}

}  // namespace

void Transport::start(Destination& destination)
{
    auto entry = destination.take(Clock::now());
    auto* agent = agent_for(entry, destination);
    if (!agent) {
        destination.finished();
        return context_.observer.entry_done(std::move(entry), "4.3.0", dead_text_);
    }
    auto message = ipc::pack(request_for(entry, destination));
    message.fd.reset(::fcntl(entry.mail->fd.get(), F_DUPFD_CLOEXEC, 0));
    agent->destination = &destination;
    agent->nexthop = destination.nexthop();
    agent->answered.assign(entry.targets.size(), false);
    agent->entry = std::move(entry);
    agent->heard = Clock::now();
    if (!stuck_timer_.pending())
        stuck_timer_.start(stuck_limit(context_.params));
    agent->peer->send(std::move(message));
}

void Transport::received(Agent& agent, const ipc::Message& message)
{
    if (!agent.destination)
        return log::warning("transport ", name_, ": unexpected answer");
    agent.heard = Clock::now();
    if (message.find("progress"))
        return;
    if (!message.find("action")) {
        auto delivered = ipc::unpack<service::Delivered>(message);
        return delivered ? finished(agent, *delivered) : lost(agent);
    }
    auto status = ipc::unpack<service::RecipientStatus>(message);
    if (!status)
        return lost(agent);
    auto& targets = agent.entry.targets;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        if (targets[i].number != status->number || agent.answered[i])
            continue;
        agent.answered[i] = true;
        context_.observer.recipient_done(*agent.entry.mail, *status);
    }
}

namespace {

// What is left of an entry: the targets that got no answer.
Entry unanswered(Entry entry, const std::vector<bool>& answered)
{
    std::vector<Entry::Target> rest;
    for (std::size_t i = 0; i < entry.targets.size(); ++i)
        if (!answered[i])
            rest.push_back(entry.targets[i]);
    entry.targets = std::move(rest);
    return entry;
}

}  // namespace

void Transport::finished(Agent& agent, const service::Delivered& delivered)
{
    auto& destination = *agent.destination;
    auto entry = unanswered(std::move(agent.entry), agent.answered);
    agent.destination = nullptr;
    agent.entry = {};
    agent.idle_since = Clock::now();
    if (!idle_timer_.pending())
        idle_timer_.start(agent_idle_limit);
    std::unique_ptr<Agent> closing;  // lives until its callback has returned
    if (delivered.closing)
        closing = remove(agent);
    destination.finished();
    if (delivered.site_status.empty()) {
        destination.reached();
    } else {
        destination.not_reached(delivered.site_status, delivered.site_text, context_.params.minimal_backoff_time);
        if (destination.is_suspended(Clock::now()))
            give_back(destination.take_all(), delivered.site_status, cat("delivery temporarily suspended: ", delivered.site_text));
    }
    context_.observer.entry_done(std::move(entry), "4.3.0", "delivery agent gave no result");
    agent.peer->send(ipc::pack(service::Recorded{}));
    forget_if_idle(destination);
    schedule();
}

std::unique_ptr<Transport::Agent> Transport::remove(Agent& agent)
{
    auto found = std::find_if(agents_.begin(), agents_.end(), [&](const auto& a) { return a.get() == &agent; });
    auto removed = std::move(*found);
    agents_.erase(found);
    return removed;
}

void Transport::lost(Agent& agent)
{
    if (agent.destination) {
        log::warning("transport ", name_, ": lost a delivery agent while it delivered ", agent.entry.mail->id);
        give_up(agent, "delivery agent ended unexpectedly", false);
    } else {
        remove(agent);
    }
}

// Recipients without an answer are deferred. An agent that is alive keeps the mail's lock, so that nobody delivers it once more
// before that agent has told us, or the next qmgr, what it has done (requests.cc).
void Transport::give_up(Agent& agent, const std::string& text, bool is_stuck)
{
    auto keep = remove(agent);  // until its callback has returned
    auto& destination = *agent.destination;
    destination.finished();
    if (is_stuck) {
        destination.not_reached("4.3.0", text, context_.params.minimal_backoff_time);
        if (destination.is_suspended(Clock::now()))
            give_back(destination.take_all(), "4.3.0", cat("delivery temporarily suspended: ", text));
    }
    context_.observer.entry_done(unanswered(std::move(agent.entry), agent.answered), "4.3.0", text);
    forget_if_idle(destination);
    schedule();
}

// Agents that neither answer nor end, stopped or caught in the kernel.
void Transport::give_up_stuck()
{
    auto now = Clock::now();
    auto limit = stuck_limit(context_.params);
    std::optional<Clock::time_point> next;
    std::vector<Agent*> stuck;
    for (auto& agent : agents_) {
        if (!agent->destination)
            continue;
        if (now - agent->heard >= limit)
            stuck.push_back(agent.get());
        else
            next = std::min(next.value_or(agent->heard), agent->heard);
    }
    if (next)
        stuck_timer_.start(std::chrono::ceil<std::chrono::milliseconds>(*next + limit - now));
    for (auto* agent : stuck) {
        log::warning("transport ", name_, ": a delivery agent made no progress with ", agent->entry.mail->id, " for ",
                     std::chrono::duration_cast<std::chrono::seconds>(limit).count(), " seconds; its connection is closed");
        give_up(*agent, "delivery agent made no progress", true);
    }
}

// A destination without work is forgotten, unless there is something to remember about it.
void Transport::forget_if_idle(Destination& destination)
{
    if (destination.has_waiting())
        return list(destination);
    if (destination.is_idle() && !destination.is_listed && !destination.is_suspended(Clock::now()) &&
        destinations_.size() > 1000)
        destinations_.erase(std::string(destination.key()));
}

void Transport::close_idle()
{
    auto now = Clock::now();
    std::erase_if(agents_, [&](const auto& agent) { return !agent->destination && now - agent->idle_since >= agent_idle_limit; });
    bool any = std::any_of(agents_.begin(), agents_.end(), [](const auto& agent) { return !agent->destination; });
    if (any)
        idle_timer_.start(1s);
}

void Transport::resume()
{
    dead_until_ = {};
    for (auto& [nexthop, destination] : destinations_)
        destination->resume();
}

}  // namespace mta::qmgr
