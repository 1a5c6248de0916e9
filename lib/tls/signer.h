#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mta::tls {

// A kind of signature that TLS 1.2 and 1.3 know, for the keys that we serve. What is signed is a digest, or with Ed25519 the
// text itself.
struct Scheme {
    std::string_view name;        // "rsa-pss-sha256"
    std::string_view key_type;    // OpenSSL's name: "RSA", "EC" or "ED25519"
    std::string_view digest;      // OpenSSL's name; empty: none
    bool is_pss = false;
    std::size_t min_bytes = 0, max_bytes = 0;  // of what is signed
};

constexpr std::size_t max_signed_text_bytes = 256;  // TLS has 64 bytes, a context and a hash, or two randoms and a point
constexpr std::size_t max_signature_bytes = 1024;   // RSA with 8192 bits

inline constexpr std::array<Scheme, 10> schemes{{
    {"rsa-pkcs1-sha256", "RSA", "SHA256", false, 32, 32},
    {"rsa-pkcs1-sha384", "RSA", "SHA384", false, 48, 48},
    {"rsa-pkcs1-sha512", "RSA", "SHA512", false, 64, 64},
    {"rsa-pss-sha256", "RSA", "SHA256", true, 32, 32},
    {"rsa-pss-sha384", "RSA", "SHA384", true, 48, 48},
    {"rsa-pss-sha512", "RSA", "SHA512", true, 64, 64},
    {"ecdsa-sha256", "EC", "SHA256", false, 32, 32},
    {"ecdsa-sha384", "EC", "SHA384", false, 48, 48},
    {"ecdsa-sha512", "EC", "SHA512", false, 64, 64},
    {"ed25519", "ED25519", "", false, 1, max_signed_text_bytes},
}};

// Null if there is none of that name.
constexpr const Scheme* find_scheme(std::string_view name)
{
    for (const auto& scheme : schemes)
        if (scheme.name == name)
            return &scheme;
    return nullptr;
}

struct SignRequest {
    std::string fingerprint;         // of the key, see tls/pair.h
    const Scheme* scheme = nullptr;  // one of schemes
    std::string data;
};

// Who has the private keys of a server's certificates, when the server has not.
class Signer {
public:
    using Done = std::function<void(Result<std::string> signature)>;
    virtual ~Signer() = default;
    // Calls done once, now or later.
    virtual void sign(const SignRequest& request, Done done) = 0;
};

}  // namespace mta::tls
