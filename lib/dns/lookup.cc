#include "dns/lookup.h"

#include <algorithm>

#include "base/text.h"

namespace mta::dns {

namespace {

constexpr std::uint32_t failed_ttl = 5;  // seconds; RFC 2308 section 7 allows up to 300

}  // namespace

Lookup::Lookup(Resolver& resolver, std::string key, std::string name, Type type)
    : resolver_(resolver), key_(std::move(key)), name_(std::move(name)), type_(type),
      server_(resolver.preferred_), turns_(resolver.options_.servers.size(), resolver.options_.rounds),
      try_timer_(resolver.loop_, [this] { timed_out(); }),
      deadline_(resolver.loop_, [this] { give_up(reason_.empty() ? "no reply in time" : reason_); })
{
    deadline_.start(resolver.options_.deadline);
}

bool Lookup::remove(std::uint64_t number)
{
    auto found = std::find_if(askers_.begin(), askers_.end(), [&](const Asker& asker) { return asker.number == number; });
    if (found == askers_.end())
        return false;
    askers_.erase(found);
    return true;
}

void Lookup::tell(const Answer& answer)
{
    while (!askers_.empty()) {
        auto handler = std::move(askers_.front().handler);
        askers_.pop_front();
        handler(answer);
    }
}

void Lookup::start()
{
    started_ = true;
    try_next("");
}

bool Lookup::next_server()
{
    auto count = turns_.size();
    auto first = query_.bytes.empty() ? server_ : server_ + 1;
    for (std::size_t i = 0; i < count; ++i) {
        auto candidate = (first + i) % count;
        if (turns_[candidate] > 0) {
            --turns_[candidate];
            server_ = candidate;
            return true;
        }
    }
    return false;
}

void Lookup::try_next(std::string reason)
{
    exchange_.reset();
    reason_ = std::move(reason);
    while (next_server()) {
        with_edns_ = true;
        auto sent = ask(false);
        if (sent)
            return;
        reason_ = sent.error().text;
    }
    give_up(reason_);
}

Result<void> Lookup::ask(bool by_tcp)
{
    auto query = make_query(name_, type_, with_edns_);
    if (!query)
        return query.error();
    query_ = std::move(*query);
    by_tcp_ = by_tcp;
    auto done = [this](const Exchange::Outcome& outcome) { consider(outcome); };
    auto exchange = by_tcp ? ask_by_tcp(resolver_.loop_, server(), query_, done) : ask_by_udp(resolver_.loop_, server(), query_, done);
    if (!exchange)
        return exchange.error();
    exchange_ = std::move(*exchange);
    try_timer_.start(resolver_.options_.try_timeout);
    return {};
}

void Lookup::ask_again_by_tcp()
{
    if (auto sent = ask(true); !sent)
        try_next(sent.error().text);
}

void Lookup::timed_out()
{
    resolver_.avoid(server_);
    try_next(cat("no reply from ", server().text()));
}

void Lookup::consider(const Exchange::Outcome& outcome)
{
    if (outcome.kind == Exchange::Outcome::flood)
        return ask_again_by_tcp();
    if (outcome.kind == Exchange::Outcome::broken) {
        resolver_.avoid(server_);
        return try_next(cat(server().text(), ": ", outcome.text));
    }
    const auto& reply = outcome.text;
    auto code = reply_code(reply);
    if (code != static_cast<int>(Code::no_error) && code != static_cast<int>(Code::name_error))
        return consider_error(code);
    if (is_truncated(reply)) {
        if (by_tcp_)
            return try_next(cat(server().text(), ": truncated reply"));
        return ask_again_by_tcp();
    }
    auto answer = read_reply(query_, reply, resolver_.options_.trust_ad || server().address.is_loopback(), resolver_.options_.max_records);
    if (answer.status == Status::failed)
        return try_next(cat(server().text(), ": ", answer.reason));
    finish(std::move(answer));
}

void Lookup::consider_error(int code)
{
    bool is_too_old = code == static_cast<int>(Code::format_error) || code == static_cast<int>(Code::not_implemented);
    if (is_too_old && with_edns_) {  // RFC 6891 section 7
        with_edns_ = false;
        if (auto sent = ask(by_tcp_); !sent)
            try_next(sent.error().text);
        return;
    }
    turns_[server_] = 0;  // it has said what it knows
    try_next(cat(server().text(), ": ", code_name(code)));
}

void Lookup::give_up(std::string reason)
{
    Answer failed;
    failed.reason = std::move(reason);
    finish(std::move(failed));
}

void Lookup::finish(Answer answer)
{
    if (answer.status == Status::failed)
        answer.ttl = failed_ttl;
    if (answer.name.empty())
        answer.name = name_;
    resolver_.finished(key_, answer);  // destroys this
}

}  // namespace mta::dns
