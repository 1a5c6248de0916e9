#include "tls/signing.h"

#include <openssl/async.h>
#include <openssl/err.h>

#include <algorithm>
#include <utility>

namespace mta::tls {

namespace {

// OpenSSL has no place where a provider could find the connection that it works for; it works for one at a time.
Signing*& whose_turn()
{
    static Signing* signing = nullptr;
    return signing;
}

// OpenSSL keeps the stacks of as many jobs as there have ever been at a time.
constexpr int spare_stacks = 64;
struct Jobs {
    int now = 0, most = 0;
};
Jobs& jobs()
{
    static Jobs counted;
    return counted;
}

}  // namespace

Signing::Signing(Signer& signer) : signer_(signer)
{
    auto& counted = jobs();
    counted.most = std::max(counted.most, ++counted.now);
}

Signing::~Signing()
{
    auto& counted = jobs();
    if (--counted.now > 0 || counted.most <= spare_stacks)
        return;
    counted.most = 0;
    ASYNC_cleanup_thread();  // they come back when they are needed
}

Signing::Turn::Turn(Signing* signing) : before_(std::exchange(whose_turn(), signing)) {}
Signing::Turn::~Turn() { whose_turn() = before_; }
Signing* Signing::current() { return whose_turn(); }

Result<std::string> Signing::wait_for(SignRequest request)
{
    if (!ASYNC_get_current_job())
        return failure("a signature is wanted outside of a handshake");
    request_ = std::move(request);
    answer_.reset();
    asked_ = false;
    ERR_clear_error();  // or SSL_get_error() would not see that the job has stopped
    while (!answer_)
        if (ASYNC_pause_job() != 1)
            return failure("the handshake cannot wait for a signature");
    auto answer = *std::move(answer_);
    request_.reset();
    answer_.reset();
    asked_ = false;
    if (!answer)
        failure_ = answer.error().text;
    return answer;
}

bool Signing::ask()
{
    if (!request_ || asked_)
        return answer_.has_value();
    asked_ = asking_ = true;
    signer_.sign(*request_, [weak = weak_from_this()](Result<std::string> signature) {
        if (auto self = weak.lock())
            self->answered(std::move(signature));
    });
    asking_ = false;
    return answer_.has_value();
}

void Signing::answered(Result<std::string> signature)
{
    if (!is_waiting())
        return;
    answer_ = std::move(signature);
    if (asking_ || !handler_)
        return;
    auto handler = handler_;  // a copy: it may destroy this
    handler();
}

void Signing::give_up()
{
    handler_ = nullptr;
    asked_ = true;
    if (!answer_)
        answer_ = failure("the connection was given up");
}

}  // namespace mta::tls
