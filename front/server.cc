#include "front/server.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "log/log.h"
#include "net/limit_hits.h"
#include "net/stream.h"

namespace mta::front {

using namespace std::chrono_literals;

namespace {

constexpr int accepts_at_once = 64;     // then others have their turn
constexpr auto accept_pause = 100ms;    // when the system has no room for connections

std::vector<net::Network> networks(const std::vector<std::string>& words, std::string_view name)
{
    std::vector<net::Network> out;
    for (const auto& word : words) {
        auto network = net::Network::parse(word);
        if (network)
            out.push_back(*network);
        else
            log::warning(name, ": \"", word, "\" is no address or network; front knows nothing else");
    }
    return out;
}

bool contains(const std::vector<net::Network>& networks, const net::Address& client)
{
    return std::any_of(networks.begin(), networks.end(), [&](const net::Network& network) { return network.contains(client); });
}

// Where a network that is left out would let too much pass.
std::vector<net::Network> all_networks(const std::vector<std::string>& words, std::string_view name)
{
    for (const auto& word : words)
        if (!net::Network::parse(word))
            log::fatal(name, ": \"", word, "\" is no address or network; front knows nothing else");
    return networks(words, name);
}

long amount(const config::Limit& limit) { return limit.is_none() ? 0 : static_cast<long>(limit.number()); }

Limits::Settings limit_settings(const Settings& settings)
{
    const auto& clients = settings.clients;
    Limits::Settings out;
    out.connections = clients.connection_count_limit;
    out.connection_rate = clients.connection_rate_limit;
    out.connection_burst = amount(clients.connection_burst_limit);
    out.network_connections = amount(clients.network_connection_count_limit);
    out.auth_rate = clients.auth_rate_limit;
    out.tls_rate = clients.new_tls_session_rate_limit;
    out.time_unit = settings.front.rate_time_unit;
    out.v4_bits = static_cast<int>(std::clamp(clients.ipv4_prefix_length(), 1L, 32L));
    out.v6_bits = static_cast<int>(std::clamp(clients.ipv6_prefix_length(), 1L, 128L));
    out.exceptions = networks(clients.event_limit_exceptions, "client_event_limit_exceptions");
    return out;
}

// What would have no effect is no setting.
void check_words(const SmtpParams& smtp)
{
    auto refuse_others = [](const std::vector<std::string>& words, std::string_view name, auto is_known, std::string_view known) {
        for (const auto& word : words)
            if (!is_known(word))
                log::fatal(name, ": \"", word, "\": ", known);
    };
    auto is_option = [](const std::string& word) { return iequals(word, "noplaintext") || iequals(word, "noanonymous"); };
    constexpr std::string_view options = "the known options are noplaintext and noanonymous";
    refuse_others(smtp.sasl_security_options, "smtpd_sasl_security_options", is_option, options);
    refuse_others(smtp.sasl_tls_security_options, "smtpd_sasl_tls_security_options", is_option, options);
    auto is_word = [](const std::string& word) { return std::all_of(word.begin(), word.end(), is_alpha); };
    refuse_others(smtp.forbidden_commands, "smtpd_forbidden_commands", is_word, "only words can be forbidden, there are no tables");
}

// Ten thousand clients need as many descriptors.
void raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Settings::Settings(const config::Config& config, const std::string& worker_name, const std::string& service_name)
    : worker(worker_name), service(service_name), common(config), front(config), smtpd_tls(config, "smtpd"), tls(config, worker_name),
      smtpd_clients(config, "smtpd"), clients(config, worker_name), smtp(config), imap(config), login(config, worker_name == "pop3d" ? "pop3d" : "imapd")
{
}

Server::Server(event::Loop& loop, const Settings& settings, Paths paths)
    : loop_(loop), settings_(settings), paths_(std::move(paths)), limits_(limit_settings(settings)), names_(loop, paths_.dns),
      sasl_exceptions_(all_networks(settings.smtp.sasl_exceptions_networks, "smtpd_sasl_exceptions_networks")),
      news_(loop, paths_.notify, [this](std::uint64_t id) { wake(id); }),
      reserve_(::eventfd(0, EFD_CLOEXEC)), sweep_timer_(loop, [this] { sweep(); }), minute_timer_(loop, [this] { minute(); }),
      accept_timer_(loop, [this] { watch_listeners(event::readable); })
{
    check_words(settings.smtp);
    if (const auto& reserve = settings.clients.connection_reserve(); !reserve.is_none() && reserve.number() > 100)
        log::fatal(settings.worker, "_client_connection_reserve = ", reserve.number(), ": a percentage is 100 at most");
    for (const auto& word : settings.common.mynetworks())
        if (auto network = net::Network::parse(word))
            mynetworks_.push_back(*network);
    raise_descriptor_limit();
    if (settings.tls.is_on())
        prepare_tls();
}

Server::~Server() = default;

void Server::start(const std::vector<Fd>& listeners, service::KeysAccess keys)
{
    if (settings_.worker != "smtpd" || settings_.smtp.sasl_auth_enable)
        auth_ = std::make_unique<auth::Client>(loop_, paths_.auth);
    minute_timer_.start(60s);
    if (!certificates_)
        return listen(listeners);
    certificates_->start(std::move(keys), [this, &listeners] { listen(listeners); });
}

void Server::listen(const std::vector<Fd>& listeners)
{
    if (when_empty_)
        return;  // it was told to stop meanwhile
    for (const auto& listener : listeners) {
        int fd = listener.get();
        net::set_nonblocking(fd, true);
        watches_.push_back(std::make_unique<event::Watch>(loop_, fd, event::readable,
                                                          [this, fd, local = net::Endpoint::local_of(fd)](short) { accept(fd, local); }));
    }
}

// Without a certificate the services that need none have to go on; those for which TLS is a must turn clients away.
void Server::prepare_tls()
{
    if (!settings_.tls.has_certificate())
        return log::error("service ", service(), " is for clients with TLS, but ", settings_.worker,
                          "_tls_cert_file names no certificate: all clients are refused");
    auto tls = settings_.tls.settings(settings_.service);
    if (!tls)
        log::fatal(tls.error().text);
    certificates_ = std::make_unique<Certificates>(loop_, *std::move(tls), settings_.service);
}

void Server::accept(int listener, const net::Endpoint& local)
{
    for (int i = 0; i < accepts_at_once; ++i) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        Fd fd(::accept4(listener, reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC));
        if (!fd) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                shed(listener);
            return;
        }
        auto client = net::Endpoint::from(from);
        if (auto refusal = admit(client.address)) {
            refuse(fd, client.address, *refusal);
            continue;
        }
        auto id = next_++;
        auto server = local.address.is_unspecified() ? net::Endpoint::local_of(fd.get()) : local;
        auto& connection = connections_[id];
        connection = std::make_unique<Connection>(*this, id, std::move(fd), client, server);
        connection->start();
    }
}

// The last places are for those who are known to be good, so that a crowd of strangers does not shut them out.
std::optional<Server::Refusal> Server::refuse_when_full(const net::Address& client) const
{
    const auto& limit = settings_.clients.connection_total_limit();
    auto all = static_cast<std::uint64_t>(connections_.size()) + 1;
    auto refusal = [all](std::string_view name) { return Refusal{name, static_cast<long>(all), "", "4.3.2", "too many connections"}; };
    if (limit.is_exceeded_by(all))
        return refusal("client_connection_total_limit");
    const auto& reserve = settings_.clients.connection_reserve();
    if (limit.is_none() || reserve.is_none() || all <= limit.number() - limit.number() * reserve.number() / 100)
        return std::nullopt;
    if (limits_.is_exempt(client) || known_.knows(limits_.key(client), KnownClients::Clock::now()))
        return std::nullopt;
    return refusal("client_connection_reserve");
}

// Counts the client in, or says why not.
std::optional<Server::Refusal> Server::admit(const net::Address& client)
{
    auto address = client.text();
    auto of_address = cat("too many connections from ", address), of_network = cat("too many connections from the network of ", address);
    auto words = [&](std::string_view what, long value) {
        return cat("Connection ", what, " limit exceeded: ", value, " from unknown[", address, "] for service ", service());
    };
    if (auto full = refuse_when_full(client))
        return full;
    auto now = Limits::Clock::now();
    auto count = limits_.enter(client);
    std::optional<Refusal> refusal;
    if (auto rate = limits_.exceeded(client, Limits::Event::connection, now); rate > 0)
        refusal = {"client_connection_rate_limit", rate, words("rate", rate), "4.7.0", of_address};
    else if (auto burst = limits_.too_fast(client, now); burst > 0)
        refusal = {"client_connection_burst_limit", burst, "", "4.7.0", of_address};
    else if (limits_.too_many(client, count))
        refusal = {"client_connection_count_limit", count, words("concurrency", count), "4.7.0", of_address};
    else if (auto network = limits_.too_many_of_network(client); network > 0)
        refusal = {"client_network_connection_count_limit", network, "", "4.7.0", of_network};
    if (refusal)
        limits_.leave(client);
    return refusal;
}

// Says so, if the client can hear it at once.
void Server::refuse(const Fd& fd, const net::Address& client, const Refusal& refusal)
{
    net::limit_hit(cat(settings_.worker, "_", refusal.limit), client, cat(refusal.value), refusal.words);
    auto text = settings_.worker == "imapd" ? cat("* BYE [UNAVAILABLE] ", refusal.text, "\r\n")
                : settings_.worker == "pop3d" ? cat("-ERR [SYS/TEMP] ", refusal.text, "\r\n")
                : cat("421 ", refusal.status, " ", settings_.common.myhostname(), " Error: ", refusal.text, "\r\n");
    if (!settings_.tls.wrappermode)
        ::send(fd.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Without a descriptor the client would wait in the backlog, and the loop would turn for nothing: let it in and out.
void Server::shed(int listener)
{
    auto now = std::chrono::steady_clock::now();
    if (now - warned_ > 60s)
        log::warning("too many open files with ", connections_.size(), " connections: clients are turned away");
    warned_ = now;
    reserve_.reset();
    Fd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!client && errno != EAGAIN) {  // it is not descriptors of ours that are missing
        watch_listeners(0);
        accept_timer_.start(accept_pause);
    }
    client.reset();
    reserve_.reset(::eventfd(0, EFD_CLOEXEC));  // the sandbox lets it open no file
}

void Server::watch_listeners(short what)
{
    for (auto& watch : watches_)
        watch->change(what);
}

bool Server::is_excepted_from_sasl(const net::Address& client) const { return contains(sasl_exceptions_, client); }
bool Server::is_in_mynetworks(const net::Address& client) const { return contains(mynetworks_, client); }

Connection* Server::find(std::uint64_t id)
{
    auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : found->second.get();
}

// Not at once: the connection's own functions are still running.
void Server::remove(std::uint64_t id)
{
    removed_.push_back(id);
    if (removed_.size() == 1)
        sweep_timer_.start(0ms);
}

void Server::sweep()
{
    for (auto id : std::exchange(removed_, {}))
        connections_.erase(id);
    if (connections_.empty() && when_empty_)
        when_empty_();
}

void Server::minute()
{
    limits_.clean_up(Limits::Clock::now());
    net::report_limit_hits();
    if (certificates_)
        certificates_->retry();
    minute_timer_.start(60s);
}

void Server::wake(std::uint64_t id)
{
    if (auto* connection = find(id))
        connection->woken();
}

void Server::retire(std::function<void()> done)
{
    watches_.clear();
    when_empty_ = std::move(done);
    sweep_timer_.start(0ms);
}

void Server::stop(std::function<void()> done)
{
    retire(std::move(done));
    for (auto& [id, connection] : connections_)
        connection->stop();
}

}  // namespace mta::front
