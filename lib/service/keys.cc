#include "service/keys.h"

#include "base/encode.h"
#include "base/text.h"

namespace mta::service {

using namespace std::chrono_literals;

namespace {

constexpr auto chains_limit = 1h;    // then the question is asked again
constexpr auto again_delay = 250ms;  // after a question that nobody could answer

Result<std::string> signature_in(const Result<ipc::Message>& message)
{
    if (!message)
        return message.error();
    auto reply = ipc::unpack<SignReply>(*message);
    if (!reply)
        return reply.error();
    auto signature = hex_decode(reply->signature);
    if (!signature || signature->empty())
        return failure(cat("no signature: ", reply->reason));
    return *std::move(signature);
}

}  // namespace

std::string keys_secret_path(const std::string& queue_directory) { return cat(queue_directory, "/pid/keys.secret"); }

std::string keys_ticket(const Secret& secret, std::string_view set, std::string_view service)
{
    return hex_encode(secret.sign(cat(set, "/", service)));
}

KeysClient::KeysClient(event::Loop& loop, KeysAccess access, std::chrono::milliseconds limit)
    : access_(std::move(access)), signatures_(loop, access_.socket, limit), chains_(loop, access_.socket, chains_limit), again_(loop, [this] { ask(); })
{
}

void KeysClient::sign(const tls::SignRequest& request, Done done)
{
    SignQuestion question{access_.service, access_.ticket, cat(tls_key_set, "/", request.fingerprint), std::string(request.scheme->name), hex_encode(request.data)};
    signatures_.call(ipc::pack(question), [done = std::move(done)](Result<ipc::Message> message) { done(signature_in(message)); });
}

void KeysClient::watch_chains(std::function<void(Result<ChainsReply>)> handler)
{
    handler_ = std::move(handler);
    ask();
}

void KeysClient::ask()
{
    chains_.call(ipc::pack(ChainsQuestion{access_.service, access_.ticket, known_}), [this](Result<ipc::Message> message) { answered(message); });
}

void KeysClient::answered(const Result<ipc::Message>& message)
{
    auto reply = message ? ipc::unpack<ChainsReply>(*message) : Result<ChainsReply>(message.error());
    if (reply && !reply->version.empty()) {
        known_ = reply->version;
        ask();
    } else {
        again_.start(again_delay);
    }
    handler_(std::move(reply));
}

}  // namespace mta::service
