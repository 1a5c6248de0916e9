#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mta::tls {

class Signer;

// A certificate chain, the host's own certificate first, and its private key; both may be in one file.
struct CertificateFiles {
    std::string chain, key;
    std::string chain_parameter = {}, key_parameter = {};  // of main.cf, for messages
    bool operator==(const CertificateFiles&) const = default;
};

// What a Context is made of.
struct Settings {
    bool is_server = true;
    std::vector<CertificateFiles> certificates;  // a server needs one, e.g. an RSA and an ECDSA one may stand together
    std::string ca_file, ca_path;                // whom to trust; neither: nobody
    bool trust_system_authorities = false;       // tls_append_default_CA
    bool request_certificate = false;            // server: ask the client for its certificate; it may have none
    std::string protocols = ">=TLSv1.2";         // Postfix's syntax: ">=TLSv1.2, <=TLSv1.3", "!TLSv1", "TLSv1.2"
    std::string cipher_list;                     // OpenSSL's syntax, for TLS 1.2; empty: OpenSSL's default
    std::string exclude_ciphers;                 // names or classes, taken out of the list
    std::string groups;                          // key exchange groups in order; empty: OpenSSL's default
    bool server_order = false;                   // tls_preempt_cipherlist
    std::string session_context;                 // server: the service; tickets of other services are not accepted
    std::uint64_t options = 0;                   // further SSL_OP_* bits, see parse_ssl_options()
    std::shared_ptr<X509_STORE> authorities;     // empty: what ca_file and the like say is read for each Context
    Signer* signer = nullptr;                    // server: who has the private keys, as long as there are connections; then
    std::vector<std::string> chains;             // the certificates are these PEM texts instead of files
};

// Whom the settings trust; a directory (ca_path) is looked at when somebody is to be verified.
Result<std::shared_ptr<X509_STORE>> load_authorities(const Settings& settings);

// The protocol versions a list in Postfix's syntax allows.
struct ProtocolRange {
    int lowest = 0, highest = 0;    // TLS1_2_VERSION and the like; 0: no bound
    std::uint64_t disabled = 0;     // SSL_OP_NO_* for gaps
};
Result<ProtocolRange> parse_protocols(std::string_view text);

// "NO_TICKET, NO_RENEGOTIATION" as SSL_OP_* bits, or "0x..." as a number.
Result<std::uint64_t> parse_ssl_options(std::string_view text);

}  // namespace mta::tls
