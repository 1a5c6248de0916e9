#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "tls/settings.h"

namespace mta::tls {

using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;

// The certificates of a PEM text, the host's own first. An Error, which says where they should have been, if there is none.
Result<std::vector<Certificate>> parse_chain(const std::string& pem, const std::string& place);

// A chain and the private key of its first certificate.
struct Pair {
    std::vector<Certificate> chain;
    Key key;
};

// Gives what is in a PEM file.
using Reader = std::function<Result<std::string>(const std::string& path)>;

// An Error says which parameter or file is wrong: also for a key that belongs to another certificate.
Result<Pair> read_pair(const CertificateFiles& files, const Reader& reader);

// The chain as PEM, without anything else that the file may hold.
std::string chain_text(const std::vector<Certificate>& chain);

// An Error if servers cannot use this type of key: RSA, ECDSA with P-256, P-384 or P-521, and Ed25519 can be.
Result<void> check_key_type(const EVP_PKEY* key);

// SHA-256 of the public half (a SubjectPublicKeyInfo), in hexadecimal.
std::string fingerprint(const EVP_PKEY* key);

}  // namespace mta::tls
