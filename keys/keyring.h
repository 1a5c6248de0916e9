#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/grants.h"
#include "keys/opener.h"
#include "tls/pair.h"

namespace mta::keys {

// The keys with their certificates. What cannot be used leaves what there was: a certificate and its key change together or not
// at all.
class Keyring {
public:
    explicit Keyring(std::vector<Grant> grants);

    std::vector<std::string> paths() const;
    // Says in the log what has changed and what is wrong.
    void load(const Files& files);

    // Whether the service has certificates here.
    bool knows(std::string_view service) const { return find(service) != nullptr; }
    // What the service shows: none if one of its certificates has never been usable; then fault() says why.
    std::vector<std::string> chains(std::string_view service) const;
    std::string fault(std::string_view service) const;
    // Another one after each change that the service has to know of.
    std::string version(std::string_view service) const;

    // Null if the service has no such key.
    EVP_PKEY* key(std::string_view service, std::string_view fingerprint) const;
    // For handshakes that have begun, the keys that were replaced are kept until this is called.
    void forget_replaced();

private:
    struct Held {
        std::string chain, fingerprint;
        tls::Key key;
    };
    struct Slot {
        tls::CertificateFiles files;
        std::optional<Held> held, replaced;
        std::string fault;
    };
    const Grant* find(std::string_view service) const;
    const Slot& slot(const tls::CertificateFiles& files) const;
    static void load(Slot& slot, const Files& files);

    std::vector<Grant> grants_;
    std::vector<Slot> slots_;
};

}  // namespace mta::keys
