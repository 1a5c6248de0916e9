#include <algorithm>

#include "base/text.h"
#include "log/log.h"
#include "smtp/client.h"

namespace mta::smtpc {

using deliver::Action;
using deliver::Outcome;

namespace {

constexpr std::chrono::milliseconds no_limit = std::chrono::hours(1);  // the kernel gives up sooner

// "connect: Connection refused": what the system says, without our words in front.
std::string_view reason_of(const Error& error)
{
    std::string_view text = error.text;
    auto colon = text.rfind(": ");
    return colon == std::string_view::npos ? text : text.substr(colon + 2);
}

// After these no other destination may be asked: the mail would go where nobody wants it, or in circles.
bool is_last_word(const Error& error) { return error.status == "5.4.6" || error.status == "5.1.10"; }

}  // namespace

Delivery::Delivery(Client& client, deliver::Job& job) : client_(client), job_(job)
{
    for (std::size_t index = 0; index < job.recipients(); ++index)
        waiting_.push_back({index, Outcome(), "none", ""});
}

void Delivery::run()
{
    const auto& parts = client_.parts_;
    const auto& nexthop = job_.request().nexthop;
    auto destinations = parse_destinations(nexthop, parts.default_port, parts.is_lmtp);
    if (!destinations)
        return job_.report_rest(deliver::outcome_of(destinations.error()), "none");
    auto fallback = parse_destinations(join(client_.params_.fallback_relay, " "), parts.default_port, parts.is_lmtp);
    if (fallback)  // an empty list is none
        destinations->insert(destinations->end(), fallback->begin(), fallback->end());

    use_kept_session();
    for (const auto& destination : *destinations)
        if (waiting_.empty() || !try_destination(destination))
            break;
    report_waiting();
}

void Delivery::use_kept_session()
{
    if (!client_.kept_)
        return;
    if (client_.kept_nexthop_ != job_.request().nexthop || !client_.kept_->is_usable())
        return client_.close();
    auto session = std::move(*client_.kept_);
    client_.kept_.reset();
    if (!transfer(session, true))
        return;
    used_ = session.host().endpoint;
    keep_or_quit(std::move(session));
}

bool Delivery::try_destination(const Destination& destination)
{
    auto hosts = client_.finder_.find(destination);
    if (!hosts) {
        auto outcome = deliver::outcome_of(hosts.error());
        log_waiting();
        for (auto& waiting : waiting_)
            waiting = {waiting.index, outcome, "none", ""};
        if (outcome.action == Action::deferred)
            site_failure_ = outcome;
        return !is_last_word(hosts.error());
    }
    sessions_ = 0;
    auto limit = client_.params_.mx_session_limit();
    for (const auto& host : *hosts) {
        if (waiting_.empty() || (limit > 0 && sessions_ >= limit))
            break;
        if (host.path.empty() && used_ == host.endpoint)
            continue;
        log_waiting();
        try_host(host, destination.is_lmtp);
    }
    return true;
}

void Delivery::try_host(const Host& host, bool is_lmtp)
{
    auto session = open(host, is_lmtp);
    if (!session)
        return;
    site_failure_.reset();
    job_.connected();
    transfer(*session, false);
    keep_or_quit(std::move(*session));
}

std::optional<Session> Delivery::open(const Host& host, bool is_lmtp)
{
    bool may_try_plain = false;
    auto session = open(host, is_lmtp, true, may_try_plain);
    if (!session && may_try_plain)  // opportunistic TLS must not be worse than none
        return open(host, is_lmtp, false, may_try_plain);
    return session;
}

std::optional<Session> Delivery::open(const Host& host, bool is_lmtp, bool with_tls, bool& may_try_plain)
{
    auto is_debugged = client_.parts_.debug_peers.has_client(host.name, host.endpoint.address.text());
    log::set_verbose(client_.is_verbose_ || (is_debugged && *is_debugged));
    auto fd = connect(host);
    if (!fd) {
        auto text = cat("connect to ", host.text_with_port(), ": ", reason_of(fd.error()));
        log::info(text);
        site_failed({Action::deferred, "4.4.1", text, "", ""}, "none");
        return std::nullopt;
    }
    Session session(client_.params_, host, is_lmtp, net::Stream(std::move(*fd)));
    auto failure = set_up(session, with_tls, may_try_plain);
    if (!failure) {
        ++sessions_;
        return session;
    }
    session.quit();
    if (!may_try_plain || !with_tls) {
        ++sessions_;
        site_failed(*failure, host.text_with_port());
    }
    return std::nullopt;
}

std::optional<Outcome> Delivery::set_up(Session& session, bool with_tls, bool& may_try_plain)
{
    try {
        if (auto refused = session.greet())
            return refused;
        if (with_tls) {
            auto started = client_.parts_.tls.start(session);
            may_try_plain = started.may_try_plain;
            if (started.failure)
                return started.failure;
        }
        auto login = client_.parts_.logins.find(job_.request().nexthop, session.host());
        if (!login)
            return session.failed("4.3.0", cat("cannot look up the password: ", login.error().text));
        return *login ? log_in(session, **login) : std::nullopt;
    } catch (const Shutdown& shutdown) {
        return session.refused(shutdown.reply);
    } catch (const net::Lost& lost) {
        session.abandon();
        return session.lost(lost);
    }
}

Result<Fd> Delivery::connect(const Host& host) const
{
    const auto& parts = client_.parts_;
    std::chrono::milliseconds limit = client_.params_.connect_timeout();
    if (limit.count() == 0)
        limit = no_limit;
    if (!host.path.empty())
        return net::connect_unix(host.path.starts_with('/') ? host.path : cat(parts.queue_directory, "/", host.path), limit);
    return net::connect_tcp(host.endpoint, limit, host.endpoint.address.is_v6() ? parts.source6 : parts.source4);
}

bool Delivery::transfer(Session& session, bool is_kept)
{
    std::vector<std::size_t> recipients;
    for (const auto& waiting : waiting_)
        recipients.push_back(waiting.index);
    bool is_last = !job_.request().keep_open || !client_.params_.connection_cache_on_demand;
    auto extra = session.uses() > 0 ? cat("conn_use=", session.uses() + 1) : "";
    if (is_kept)
        job_.connected();
    Transaction transaction(session, job_, std::move(recipients), is_last);
    auto left = transaction.run();
    if (is_kept && transaction.was_useless())
        return false;
    waiting_.clear();
    for (auto& one : left) {
        if (transaction.was_cut())
            site_failure_ = one.outcome;
        if (one.is_final)
            job_.report(one.index, one.outcome, session.host().text_with_port(), extra);
        else
            waiting_.push_back({one.index, std::move(one.outcome), session.host().text_with_port(), extra});
    }
    return true;
}

void Delivery::keep_or_quit(Session session)
{
    bool keep = job_.request().keep_open && client_.params_.connection_cache_on_demand && !session.is_dead();
    if (!keep)
        return session.quit();
    client_.close();
    client_.kept_.emplace(std::move(session));
    client_.kept_nexthop_ = job_.request().nexthop;
}

// Nothing could be done at this server. What is final is final for all, the rest waits for the next server.
void Delivery::site_failed(const Outcome& outcome, const std::string& relay)
{
    for (auto& waiting : waiting_)
        waiting = {waiting.index, outcome, relay, ""};
    site_failure_ = outcome;
    if (outcome.action == Action::bounced)
        report_waiting();
}

// What the last server said, before the next one is asked; each text once.
void Delivery::log_waiting()
{
    std::vector<std::string_view> logged;
    for (const auto& waiting : waiting_) {
        std::string_view text = waiting.outcome.text;
        if (waiting.relay == "none" || text.empty() || std::find(logged.begin(), logged.end(), text) != logged.end())
            continue;
        logged.push_back(text);
        log::info(job_.prefixed(text));
    }
}

void Delivery::report_waiting()
{
    if (site_failure_ && site_failure_->action == Action::deferred)
        job_.site_failed(site_failure_->status, site_failure_->text);
    for (const auto& waiting : waiting_)
        job_.report(waiting.index, waiting.outcome, waiting.relay, waiting.extra);
    waiting_.clear();
}

}  // namespace mta::smtpc
