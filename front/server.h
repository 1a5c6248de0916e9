#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/client.h"
#include "base/fd.h"
#include "config/common.h"
#include "event/event.h"
#include "front/certificates.h"
#include "front/connection.h"
#include "front/known_clients.h"
#include "front/limits.h"
#include "front/news.h"
#include "front/params.h"
#include "front/peer_name.h"

namespace mta::front {

// What this process is, from main.cf and master.
struct Settings {
    Settings(const config::Config& config, const std::string& worker, const std::string& service);

    std::string worker;              // "smtpd", "imapd", "pop3d"
    std::string service;             // the name in master.cf
    config::Common common;
    CommonParams front;
    tls::ServerParams smtpd_tls;     // the defaults of the others
    tls::ServerParams tls;
    ClientParams smtpd_clients, clients;
    SmtpParams smtp;
    service::ImapSessionParams imap;
    LoginParams login;               // of imapd or pop3d
};

// Accepts the clients of one service and keeps a Connection for each.
class Server {
public:
    struct Paths {
        std::string worker, auth, dns, notify;
    };
    // Reads all that front may not read later.
    Server(event::Loop& loop, const Settings& settings, Paths paths);
    ~Server();
    Server(const Server&) = delete;

    // Lets clients in as soon as it is known whether there is TLS.
    void start(const std::vector<Fd>& listeners, service::KeysAccess keys);

    // Accepts nobody any more; calls done when the last client is gone.
    void retire(std::function<void()> done);
    // The same, and sees to it that the clients go.
    void stop(std::function<void()> done);

    event::Loop& loop() { return loop_; }
    const Settings& settings() const { return settings_; }
    const std::string& worker_socket() const { return paths_.worker; }
    Limits& limits() { return limits_; }
    auth::Client* auth() { return auth_.get(); }
    tls::Context* tls() { return certificates_ ? certificates_->context() : nullptr; }
    PeerNames& names() { return names_; }
    bool is_excepted_from_sasl(const net::Address& client) const;
    bool is_in_mynetworks(const net::Address& client) const;  // as far as front knows: tables are for workers
    News& news() { return news_; }
    // The client has logged in, or sent a mail that was accepted.
    void remember(const net::Address& client) { known_.remember(limits_.key(client), KnownClients::Clock::now()); }
    Connection* find(std::uint64_t id);
    void remove(std::uint64_t id);   // soon, not now
    // "smtp" for the log: "limit exceeded: 51 from PEER for service smtp"
    const std::string& service() const { return settings_.service; }

private:
    void prepare_tls();
    void listen(const std::vector<Fd>& listeners);
    void accept(int listener, const net::Endpoint& local);
    struct Refusal {                 // a connection goes beyond a limit
        std::string_view limit;      // the parameter's name behind "smtpd_"
        long value = 0;
        std::string words;           // Postfix's for the log, where it has some
        std::string_view status;     // for the client
        std::string text;
    };
    std::optional<Refusal> refuse_when_full(const net::Address& client) const;
    std::optional<Refusal> admit(const net::Address& client);
    void refuse(const Fd& fd, const net::Address& client, const Refusal& refusal);
    void shed(int listener);
    void watch_listeners(short what);
    void sweep();
    void wake(std::uint64_t id);
    void minute();

    event::Loop& loop_;
    const Settings& settings_;
    Paths paths_;
    Limits limits_;
    KnownClients known_;
    std::unique_ptr<Certificates> certificates_;  // only if there shall be some
    std::unique_ptr<auth::Client> auth_;
    PeerNames names_;
    std::vector<net::Network> sasl_exceptions_, mynetworks_;
    News news_;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::vector<std::uint64_t> removed_;
    std::uint64_t next_ = 1;
    Fd reserve_;                     // given up for a moment when there are no descriptors left
    std::chrono::steady_clock::time_point warned_{};
    std::function<void()> when_empty_;
    event::Timer sweep_timer_, minute_timer_, accept_timer_;
    std::vector<std::unique_ptr<event::Watch>> watches_;
};

}  // namespace mta::front
