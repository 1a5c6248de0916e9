#include "dns/responder.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "dns/resolv_conf.h"
#include "log/log.h"
#include "service/dns.h"

namespace mta::dnsd {

namespace {

constexpr const char* resolv_conf = "/etc/resolv.conf";

// What does not fit into a message is passed over as what is beyond the limit is: the last records.
void send(const ipc::Server::Reply& reply, dns::Type type, dns::Answer answer)
{
    for (bool has_more = true; has_more; has_more = !answer.records.empty()) {
        auto message = ipc::pack(service::DnsReply::from(type, answer));
        if (message.body().size() < ipc::max_message_bytes - 64)
            return reply(std::move(message));
        answer.records.resize(answer.records.size() / 2);
    }
    dns::Answer too_large;
    too_large.status = dns::Status::malformed;
    too_large.reason = "answer too large";
    reply(ipc::pack(service::DnsReply::from(type, too_large)));
}

}  // namespace

Result<dns::Options> options_of(const Params& params)
{
    dns::Options options;
    options.try_timeout = params.try_timeout;
    options.deadline = params.timeout;
    options.cache_bytes = static_cast<std::size_t>(std::max(params.cache_size(), 0L));
    options.max_running = static_cast<std::size_t>(std::max(params.query_limit(), 1L));
    options.max_records = params.record_limit().number();
    options.trust_ad = params.trust_ad;
    for (const auto& text : params.resolvers()) {
        auto server = dns::parse_server(text);
        if (!server)
            return Error{cat("dns_resolvers: ", server.error().text)};
        options.servers.push_back(*server);
    }
    if (options.servers.empty()) {
        auto text = read_file(resolv_conf);
        if (!text)
            log::warning(text.error().text, ": asking the DNS server on this host");
        auto servers = dns::parse_resolv_conf(text ? *text : "");
        options.servers = servers.endpoints;
        options.trust_ad = options.trust_ad || servers.trust_ad;
    }
    return options;
}

void respond(dns::Resolver& resolver, const ipc::Message& request, ipc::Server::Reply reply)
{
    auto question = ipc::unpack<service::DnsQuestion>(request);
    auto type = question ? dns::parse_type(question->type) : std::nullopt;
    if (!type) {
        dns::Answer bad;
        bad.reason = question ? cat("unknown record type ", question->type) : question.error().text;
        return send(reply, dns::Type::a, bad);
    }
    // The answer is worth having for the cache even if the asker goes away.
    resolver.lookup(question->name, *type, [type = *type, reply](const dns::Answer& answer) { send(reply, type, answer); }).release();
}

}  // namespace mta::dnsd
