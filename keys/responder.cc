#include "keys/responder.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "keys/signature.h"
#include "log/log.h"

namespace mta::keys {

namespace {

constexpr std::size_t max_question_bytes = 1200;  // 256 bytes to be signed, a long service name, and the rest
constexpr std::ptrdiff_t max_waiting = 50;         // of one service: a front waits once, and there are old ones after a reload

void end_connection(const ipc::Server::Reply& reply, std::string_view why)
{
    log::warning("closing a connection: ", why);
    reply(ipc::Message());
}

// The question, if the message is that and nothing more: each attribute once, in order, none unknown but the number.
template <class Question>
std::optional<Question> exactly(const ipc::Message& message)
{
    auto question = ipc::unpack<Question>(message);
    if (!question)
        return std::nullopt;
    auto same = ipc::pack(*question);
    if (auto id = message.find("id"))
        same.add("id", *id);
    return same.body() == message.body() ? std::optional<Question>(*std::move(question)) : std::nullopt;
}

}  // namespace

Responder::Responder(Keyring& keyring, const std::vector<Grant>& grants, const service::Secret& secret) : keyring_(keyring)
{
    for (const auto& grant : grants)
        tickets_[grant.service] = service::keys_ticket(secret, service::tls_key_set, grant.service);
}

bool Responder::may_ask(const std::string& service, const std::string& ticket) const
{
    auto found = tickets_.find(service);
    return found != tickets_.end() && equal_in_constant_time(found->second, ticket);
}

void Responder::respond(const ipc::Message& message, const ipc::Server::Reply& reply)
{
    if (message.body().size() > max_question_bytes || message.fd)
        return end_connection(reply, "a question is too long");
    if (auto question = exactly<service::SignQuestion>(message))
        return sign(*question, reply);
    if (auto question = exactly<service::ChainsQuestion>(message))
        return tell_chains(*question, reply);
    end_connection(reply, "a message is no question");
}

void Responder::sign(const service::SignQuestion& question, const ipc::Server::Reply& reply)
{
    const auto* scheme = tls::find_scheme(question.scheme);
    auto data = hex_decode(question.data);
    if (!scheme || !data || data->size() < scheme->min_bytes || data->size() > scheme->max_bytes)
        return end_connection(reply, "what is to be signed has no known form");
    if (!may_ask(question.service, question.ticket))
        return end_connection(reply, cat("a signature for service ", question.service, " was wanted without its ticket"));
    constexpr auto prefix_bytes = service::tls_key_set.size() + 1;
    bool is_ours = question.key.starts_with(cat(service::tls_key_set, "/"));
    auto* key = is_ours ? keyring_.key(question.service, std::string_view(question.key).substr(prefix_bytes)) : nullptr;
    if (!key)  // a certificate that was replaced a while ago
        return reply(ipc::pack(service::SignReply{"", cat("service ", question.service, " has no key ", question.key)}));
    auto signature = make_signature(key, *scheme, *data);
    if (!signature)
        log::warning("key ", question.key, ": ", signature.error().text);
    reply(ipc::pack(signature ? service::SignReply{hex_encode(*signature), ""} : service::SignReply{"", signature.error().text}));
}

bool Responder::is_news(const service::ChainsQuestion& question) const { return question.known != keyring_.version(question.service); }

void Responder::tell_chains(const service::ChainsQuestion& question, const ipc::Server::Reply& reply)
{
    if (!keyring_.knows(question.service))  // after a change of master.cf, front may be there before us
        return reply(ipc::pack(service::ChainsReply{"", {}, cat("keys knows of no certificate of service ", question.service)}));
    if (!may_ask(question.service, question.ticket))
        return end_connection(reply, cat("the certificates of service ", question.service, " were wanted without its ticket"));
    if (is_news(question))
        return reply(ipc::pack(service::ChainsReply{keyring_.version(question.service), keyring_.chains(question.service), keyring_.fault(question.service)}));
    auto is_same = [&](const Waiting& one) { return one.question.service == question.service; };
    if (std::count_if(waiting_.begin(), waiting_.end(), is_same) >= max_waiting)
        waiting_.erase(std::find_if(waiting_.begin(), waiting_.end(), is_same));
    waiting_.push_back({question, reply});
}

void Responder::changed()
{
    auto waiting = std::exchange(waiting_, {});
    for (const auto& one : waiting)
        tell_chains(one.question, one.reply);
}

}  // namespace mta::keys
