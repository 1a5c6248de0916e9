// smtp: SMTP and LMTP client. Called by the name lmtp it speaks LMTP and has the parameters lmtp_*.
#include <optional>
#include <string_view>

#include "daemon/file_rules.h"
#include "deliver/agent.h"
#include "log/log.h"
#include "smtp/client.h"

namespace {

using namespace mta;

// The value, or the end of the program with the reason.
template <class T>
T value_or_fatal(Result<T> result, std::string_view where = "")
{
    if (!result)
        log::fatal(where, where.empty() ? "" : ": ", result.error().text);
    return *std::move(result);
}

std::optional<net::Address> source(const config::Param<std::string>& text, bool is_v6)
{
    if (text().empty())
        return std::nullopt;
    auto address = net::Address::parse(text());
    if (!address || address->is_v6() != is_v6)
        log::fatal("bad address to connect from: ", text());
    return address;
}

// It may connect to any host, but not be connected to.
sandbox::Rules rules_for(const daemon::Process& process, const smtpc::Params& params, bool is_lmtp)
{
    auto rules = deliver::rules(process);
    daemon::add_tables(rules, process.config());
    rules.add({sandbox::Calls::internet}).socket(process.socket_path("dns"));
    if (!params.bind_address().empty() || !params.bind_address6().empty())
        rules.add({sandbox::Calls::bind});
    // Those in the directory are opened when they are needed; the others, too, when they are replaced.
    const tls::ClientParams tls(process.config(), params.prefix());
    daemon::add_file(rules, tls.ca_file);
    daemon::add_file(rules, tls.ca_path().empty() ? "" : cat(tls.ca_path(), "/"));
    daemon::add_file(rules, tls.cert_file);
    daemon::add_file(rules, tls.key_file);
    rules.has_network = true;
    rules.has_root = is_lmtp;  // the sockets of LMTP servers can be anywhere
    rules.ports.reset();
    for (const auto& text : params.connect_ports()) {
        auto port = smtpc::parse_port(text);
        if (!port)
            log::fatal("bad value of ", params.prefix(), "_connect_ports: ", text);
        rules.ports ? rules.ports->push_back(*port) : static_cast<void>(rules.ports.emplace({*port}));
    }
    return rules;
}

}  // namespace

int main(int argc, char** argv)
{
    bool is_lmtp = std::string_view(argv[0]).ends_with("lmtp");
    const std::string name = is_lmtp ? "lmtp" : "smtp";
    daemon::Process process(argc, argv, name);
    const auto& common = process.common();
    const smtpc::Params params(process.config(), name);
    auto port = smtpc::parse_port(params.tcp_port());
    if (!port)
        log::fatal("bad value of ", name, "_tcp_port: ", params.tcp_port());
    if (!params.fallback_relay().empty())
        value_or_fatal(smtpc::parse_destinations(join(params.fallback_relay, " "), *port, is_lmtp), "fallback_relay");

    smtpc::Client::Parts parts{
        is_lmtp,
        *port,
        common.queue_directory,
        source(params.bind_address, false),
        source(params.bind_address6, true),
        value_or_fatal(smtpc::FinderOptions::of(params, common.inet_protocols)),
        smtpc::Self::of_this_host(common.myhostname, common.inet_interfaces, params.proxy_interfaces),
        value_or_fatal(smtpc::Logins::open(params, common.default_database_type), cat(name, "_sasl")),
        value_or_fatal(smtpc::TlsClient::load(process.config(), params, name), cat(name, "_tls")),
        value_or_fatal(table::MatchList::open(common.debug_peer_list(), {true, {}}), "debug_peer_list"),
    };
    process.drop_privileges(rules_for(process, params, is_lmtp), "smtp");
    service::Dns dns(process.socket_path("dns"));
    smtpc::Client client(params, std::move(parts), dns);
    deliver::Options options;
    options.renew = [&] { client.renew(); };
    options.idle = [&] { client.close(); };
    return deliver::run(process, options, [&](deliver::Job& job, const auto&) { client.deliver(job); });
}
