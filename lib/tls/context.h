#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "tls/settings.h"

namespace mta::tls {

// A service's certificates and rules, shared by its connections. A client's files may change: connections that begin later use the new
// ones, and files that cannot be used leave everything as it was and cause a warning. A server is given other certificates.
class Context {
public:
    using Clock = std::chrono::steady_clock;

    // An Error says which file or setting is wrong.
    static Result<Context> load(Settings settings);
    // Whether the settings can be used, whatever the certificates will be.
    static Result<void> check(const Settings& settings);

    // What a new connection uses; a client looks at its files, at most every few seconds.
    SSL_CTX* current(Clock::time_point now = Clock::now());

    const Settings& settings() const { return settings_; }

    // Other certificates, for settings with a signer.
    void use_chains(std::vector<std::string> chains);

private:
    using Handle = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;

    explicit Context(Settings settings) : settings_(std::move(settings)) {}
    static Result<Handle> make(const Settings& settings);
    std::vector<std::string> stamps() const;
    void renew();

    Settings settings_;
    Handle handle_;
    std::vector<std::string> stamps_;  // of a client's files
    Clock::time_point checked_{};
};

// The newest reason in OpenSSL's queue as text, and empties the queue.
std::string library_error();

}  // namespace mta::tls
