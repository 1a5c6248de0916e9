#include "front/certificates.h"

#include <utility>

#include "base/text.h"
#include "log/log.h"

namespace mta::front {

using namespace std::chrono_literals;

namespace {

constexpr auto signature_limit = 10s;  // how long a handshake waits
constexpr auto first_limit = 5s;       // how long clients wait at the start

}  // namespace

Certificates::Certificates(event::Loop& loop, tls::Settings settings, std::string service)
    : loop_(loop), settings_(std::move(settings)), service_(std::move(service)), patience_(loop, [this] {
          lack(silence_);
          known();
      })
{
    settings_.certificates.clear();
    auto authorities = tls::load_authorities(settings_);
    if (!authorities) {
        lack(authorities.error().text);
        return;
    }
    settings_.authorities = *std::move(authorities);
    if (auto usable = tls::Context::check(settings_); !usable)
        lack(usable.error().text);
}

void Certificates::start(service::KeysAccess access, std::function<void()> is_known)
{
    keys_ = std::make_unique<service::KeysClient>(loop_, std::move(access), signature_limit);
    settings_.signer = keys_.get();
    is_known_ = std::move(is_known);
    patience_.start(first_limit);
    keys_->watch_chains([this](const Result<service::ChainsReply>& reply) { answered(reply); });
}

// Without an answer everything stays as it is: keys comes back.
void Certificates::answered(const Result<service::ChainsReply>& reply)
{
    if (!reply || reply->version.empty()) {
        silence_ = reply ? reply->reason : reply.error().text;
        return;
    }
    if (reply->chains.empty()) {
        context_.reset();
        settings_.chains.clear();
        lack(reply->reason);
    } else {
        use(reply->chains);
    }
    known();
}

void Certificates::use(std::vector<std::string> chains)
{
    if (context_)
        return context_->use_chains(std::move(chains));
    settings_.chains = std::move(chains);
    auto context = tls::Context::load(settings_);
    if (!context)
        return lack(context.error().text);
    context_.emplace(*std::move(context));
    if (!std::exchange(lack_, "").empty())
        log::info("service ", service_, " has TLS now");
}

void Certificates::lack(const std::string& why)
{
    if (std::exchange(lack_, why) != why)
        log::error("service ", service_, " has no TLS until this is repaired: ", why);
}

void Certificates::known()
{
    patience_.stop();
    if (auto call = std::exchange(is_known_, nullptr))
        call();
}

void Certificates::retry()
{
    if (!context_ && !settings_.chains.empty())
        use(settings_.chains);
}

}  // namespace mta::front
