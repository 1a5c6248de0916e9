#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tls/signer.h"

namespace mta::tls {

// The signature that one handshake needs from a Signer. OpenSSL runs such a handshake as a job with a stack of its own (see
// ASYNC_start_job(3)), which stops in wait_for() until the answer is there; the signer is asked from outside of the job.
class Signing : public std::enable_shared_from_this<Signing> {
public:
    explicit Signing(Signer& signer);
    ~Signing();
    Signing(const Signing&) = delete;

    // While it lives, OpenSSL is working for this handshake.
    class Turn {
    public:
        explicit Turn(Signing* signing);
        ~Turn();
        Turn(const Turn&) = delete;

    private:
        Signing* before_;
    };
    static Signing* current();

    // Inside the job: comes back with the answer.
    Result<std::string> wait_for(SignRequest request);

    // Outside: asks what the job that has stopped waits for, unless that was done. True if there is an answer: the job can go on.
    bool ask();
    bool is_waiting() const { return asked_ && !answer_; }
    // Called when an answer comes later than ask().
    void on_answer(std::function<void()> handler) { handler_ = std::move(handler); }
    // Whatever is waited for does not come.
    void give_up();
    // Why there was no signature; empty: there was, or none was wanted.
    const std::string& failure_text() const { return failure_; }

private:
    void answered(Result<std::string> signature);

    Signer& signer_;
    std::optional<SignRequest> request_;
    std::optional<Result<std::string>> answer_;
    std::function<void()> handler_;
    std::string failure_;
    bool asked_ = false, asking_ = false;
};

}  // namespace mta::tls
