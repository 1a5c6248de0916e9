#include "dns/resolver.h"

#include <algorithm>

#include "base/text.h"
#include "dns/lookup.h"
#include "dns/name.h"

namespace mta::dns {

namespace {

constexpr std::size_t max_waiting = 20000;

std::string key_of(std::string_view name, Type type) { return cat(type_name(type), "/", lower(name)); }

Answer answer_of(Status status, std::string_view name, std::string reason)
{
    Answer answer;
    answer.status = status;
    answer.name = name;
    answer.reason = std::move(reason);
    return answer;
}

}  // namespace

Resolver::Resolver(event::Loop& loop, Options options)
    : loop_(loop), options_(std::move(options)), cache_(options_.cache_bytes)
{
}

Resolver::~Resolver() = default;

Resolver::Ticket& Resolver::Ticket::operator=(Ticket&& other) noexcept
{
    std::swap(resolver_, other.resolver_);
    std::swap(key_, other.key_);
    std::swap(number_, other.number_);
    return *this;
}

Resolver::Ticket::~Ticket()  // NOLINT(bugprone-exception-escape)
{
    if (resolver_)
        resolver_->forget(key_, number_);
}

Resolver::Ticket Resolver::lookup(std::string_view name, Type type, Handler handler)
{
    if (name.ends_with('.'))
        name.remove_suffix(1);
    if (!is_valid_name(name)) {
        handler(answer_of(Status::malformed, name, "malformed domain name"));
        return {};
    }
    auto key = key_of(name, type);
    if (auto known = cache_.find(key)) {
        handler(*known);
        return {};
    }
    auto number = ++last_number_;
    if (auto running = lookups_.find(key); running != lookups_.end()) {
        running->second->add(number, std::move(handler));
        return Ticket(*this, key, number);
    }
    if (options_.servers.empty() || waiting_.size() >= max_waiting) {
        handler(answer_of(Status::failed, name, options_.servers.empty() ? "no DNS servers" : "too many look-ups"));
        return {};
    }
    auto& lookup = lookups_[key] = std::make_unique<Lookup>(*this, key, lower(name), type);
    lookup->add(number, std::move(handler));
    waiting_.push_back(key);
    start_waiting();
    return Ticket(*this, key, number);
}

void Resolver::start_waiting()
{
    if (starting_)
        return;  // a look-up that fails at once comes back to here: no recursion
    starting_ = true;
    while (!waiting_.empty() && on_wire_ < options_.max_running) {
        auto key = std::move(waiting_.front());
        waiting_.pop_front();
        auto found = lookups_.find(key);
        if (found == lookups_.end() || found->second->has_started())
            continue;  // nobody wants it any more, or it was wanted again and has begun
        ++on_wire_;
        found->second->start();
    }
    starting_ = false;
}

void Resolver::forget(const std::string& key, std::uint64_t number)
{
    for (auto* lookup : telling_)
        if (lookup->remove(number))
            return;
    auto found = lookups_.find(key);
    if (found == lookups_.end() || !found->second->remove(number) || found->second->is_wanted())
        return;
    if (found->second->has_started())
        --on_wire_;
    lookups_.erase(found);
    start_waiting();
}

void Resolver::finished(const std::string& key, const Answer& answer)
{
    auto node = lookups_.extract(key);
    auto& lookup = *node.mapped();
    if (lookup.has_started())
        --on_wire_;
    cache_.put(node.key(), answer);
    telling_.push_back(&lookup);
    lookup.tell(answer);
    telling_.pop_back();
    start_waiting();
}

void Resolver::avoid(std::size_t server)
{
    if (server == preferred_)
        preferred_ = (preferred_ + 1) % options_.servers.size();
}

}  // namespace mta::dns
