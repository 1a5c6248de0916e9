#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/channel.h"
#include "service/cleanup.h"
#include "service/rewrite.h"
#include "service/submission.h"

// The services that a session needs, as it sees them; tests put their own in their place.
namespace mta::smtpd {

// What is known of an address; an Error if nobody can tell now.
class Resolver {
public:
    virtual ~Resolver() = default;
    virtual Result<service::Resolved> check(const std::string& reverse_path, const std::string& address) = 0;
};

// Where mail goes: one at a time, begun, written, finished. Never throws: trouble is the answer to finish(), temporary.
class Outlet {
public:
    virtual ~Outlet() = default;
    virtual bool begin(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients) = 0;
    virtual void write(std::string_view bytes) = 0;
    virtual service::Accepted finish() = 0;
    virtual void cancel() = 0;
};

// Asks trivial-rewrite.
class RewriteResolver : public Resolver {
public:
    explicit RewriteResolver(std::string socket) : client_(std::move(socket)) {}
    Result<service::Resolved> check(const std::string& reverse_path, const std::string& address) override;

private:
    ipc::Client client_;
};

// Hands mail to cleanup.
class CleanupOutlet : public Outlet {
public:
    explicit CleanupOutlet(std::string socket) : submission_(std::move(socket)) {}
    bool begin(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients) override;
    void write(std::string_view bytes) override;
    service::Accepted finish() override;
    void cancel() override;

private:
    void fail(std::string_view why);

    service::Submission submission_;
    bool failed_ = false;
};

}  // namespace mta::smtpd
