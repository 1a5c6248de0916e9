#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deliver/agent.h"
#include "smtp/login.h"
#include "smtp/mx.h"
#include "smtp/session.h"
#include "smtp/tls.h"
#include "smtp/transaction.h"
#include "table/match_list.h"

namespace mta::smtpc {

// One worker's delivery: finds servers, talks to them one after the other until every recipient has a result, and keeps
// the last session for the next mail to the same nexthop.
class Client {
public:
    struct Parts {  // made before privileges are dropped
        bool is_lmtp;
        std::uint16_t default_port;
        std::string queue_directory;  // Unix sockets are relative to it
        std::optional<net::Address> source4, source6;
        FinderOptions finder;
        Self self;
        Logins logins;
        TlsClient tls;
        table::MatchList debug_peers;
    };
    Client(const Params& params, Parts parts, service::Dns& dns);

    void deliver(deliver::Job& job);
    void renew();  // tables that were replaced
    void close();  // the kept session

private:
    friend class Delivery;
    const Params& params_;
    Parts parts_;
    Finder finder_;
    bool is_verbose_;  // whoever the peer is
    std::optional<Session> kept_;
    std::string kept_nexthop_;
};

// One job.
class Delivery {
public:
    Delivery(Client& client, deliver::Job& job);
    void run();

private:
    struct Waiting {
        std::size_t index;
        deliver::Outcome outcome;
        std::string relay;
        std::string extra;
    };
    void use_kept_session();
    bool try_destination(const Destination& destination);      // false: no other destination may be asked
    void try_host(const Host& host, bool is_lmtp);
    std::optional<Session> open(const Host& host, bool is_lmtp);
    std::optional<Session> open(const Host& host, bool is_lmtp, bool with_tls, bool& may_try_plain);
    std::optional<deliver::Outcome> set_up(Session& session, bool with_tls, bool& may_try_plain);
    Result<Fd> connect(const Host& host) const;
    bool transfer(Session& session, bool is_kept);             // false: the kept session was of no use
    void keep_or_quit(Session session);
    void site_failed(const deliver::Outcome& outcome, const std::string& relay);
    void log_waiting();
    void report_waiting();

    Client& client_;
    deliver::Job& job_;
    std::vector<Waiting> waiting_;             // who has no result yet, and why not
    std::optional<deliver::Outcome> site_failure_;
    std::optional<net::Endpoint> used_;        // the server of the kept session
    long sessions_ = 0;
};

}  // namespace mta::smtpc
