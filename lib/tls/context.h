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

// A service's certificates and rules, shared by its connections. When one of its files changes, connections that begin
// later use the new one; files that cannot be used leave everything as it was and cause a warning.
class Context {
public:
    // An Error says which file or setting is wrong.
    static Result<Context> load(Settings settings);
    // Whether the settings can be used, whatever the certificates will be.
    static Result<void> check(const Settings& settings);

    // What a new connection uses; looks at the files, at most every few seconds.
    SSL_CTX* current();

    const Settings& settings() const { return settings_; }

    // How long current() believes the files without looking at them; negative: for ever, somebody calls reload().
    void set_check_interval(std::chrono::milliseconds interval) { check_interval_ = interval; }
    // Reads the files again; logs a warning and keeps what there is if they cannot be used.
    void reload();
    // Other certificates, for settings with a signer.
    void use_chains(std::vector<std::string> chains);

private:
    struct Stamp {  // what stat(2) says of a file; all zero if it cannot be found
        std::int64_t inode = 0, size = 0, seconds = 0, nanoseconds = 0;
        auto operator<=>(const Stamp&) const = default;
    };
    using Handle = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;

    explicit Context(Settings settings) : settings_(std::move(settings)) {}
    static Result<Handle> make(const Settings& settings);
    std::vector<Stamp> stamps() const;

    Settings settings_;
    Handle handle_;
    std::vector<Stamp> stamps_;
    std::chrono::steady_clock::time_point checked_{};
    std::chrono::milliseconds check_interval_{3000};
};

// The newest reason in OpenSSL's queue as text, and empties the queue.
std::string library_error();

}  // namespace mta::tls
