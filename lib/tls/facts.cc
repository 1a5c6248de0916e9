#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "tls/engine.h"

// What an Engine can tell of its connection.
namespace mta::tls {

namespace {

using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;

Certificate peer_certificate(const SSL* ssl) { return Certificate(SSL_get1_peer_certificate(ssl)); }

std::string group_of(EVP_PKEY* key)
{
    char name[80] = "";
    std::size_t length = 0;
    return EVP_PKEY_get_group_name(key, name, sizeof name, &length) == 1 ? std::string(name, length) : std::string();
}

std::string describe_key_exchange(SSL* ssl)
{
    EVP_PKEY* found = nullptr;
    if (SSL_get_peer_tmp_key(ssl, &found) != 1)
        return "";
    Key key(found);
    switch (EVP_PKEY_get_base_id(key.get())) {
    case EVP_PKEY_EC:
        return cat("ECDHE (", group_of(key.get()), ")");
    case EVP_PKEY_DH:
        return cat("DHE (", EVP_PKEY_get_bits(key.get()), " bits)");
    default:
        return OBJ_nid2sn(EVP_PKEY_get_base_id(key.get()));
    }
}

std::string describe_signature(int type, const X509* certificate)
{
    EVP_PKEY* key = certificate ? X509_get0_pubkey(certificate) : nullptr;
    switch (type) {
    case EVP_PKEY_EC:
        return key ? cat("ECDSA (", group_of(key), ")") : "ECDSA";
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS: {
        std::string name = type == EVP_PKEY_RSA ? "RSA" : "RSA-PSS";
        return key ? cat(name, " (", EVP_PKEY_get_bits(key), " bits)") : name;
    }
    default:
        return OBJ_nid2sn(type);
    }
}

std::string digest_name(int nid) { return nid == NID_undef ? "" : OBJ_nid2sn(nid); }

}  // namespace

std::string_view name(Trust trust)
{
    switch (trust) {
    case Trust::anonymous: return "Anonymous";
    case Trust::untrusted: return "Untrusted";
    case Trust::trusted: return "Trusted";
    case Trust::verified: return "Verified";
    }
    return "";
}

std::string Facts::text() const
{
    auto out = cat(protocol, " with cipher ", cipher, " (", used_bits, "/", algorithm_bits, " bits)");
    auto add = [&](std::string_view label, const std::string& value) {
        if (!value.empty())
            out += cat(" ", label, " ", value);
    };
    add("key-exchange", key_exchange);
    add("server-signature", server_signature);
    add("server-digest", server_digest);
    add("client-signature", client_signature);
    add("client-digest", client_digest);
    return out;
}

Facts Engine::facts() const
{
    auto* ssl = ssl_.get();
    Facts facts;
    facts.protocol = SSL_get_version(ssl);
    if (auto* cipher = SSL_get_current_cipher(ssl)) {
        facts.cipher = SSL_CIPHER_get_name(cipher);
        facts.used_bits = SSL_CIPHER_get_bits(cipher, &facts.algorithm_bits);
    }
    facts.resumed = SSL_session_reused(ssl) == 1;
    if (SSL_version(ssl) < TLS1_3_VERSION)  // before, the cipher's name says it
        return facts;
    facts.key_exchange = describe_key_exchange(ssl);
    auto peer = peer_certificate(ssl);
    const X509* own = SSL_get_certificate(ssl);
    bool is_server = SSL_is_server(ssl) == 1;
    int type = NID_undef, digest = NID_undef;
    if (SSL_get_signature_type_nid(ssl, &type) == 1) {
        SSL_get_signature_nid(ssl, &digest);
        (is_server ? facts.server_signature : facts.client_signature) = describe_signature(type, own);
        (is_server ? facts.server_digest : facts.client_digest) = digest_name(digest);
    }
    digest = NID_undef;
    if (peer && SSL_get_peer_signature_type_nid(ssl, &type) == 1) {
        SSL_get_peer_signature_nid(ssl, &digest);
        (is_server ? facts.client_signature : facts.server_signature) = describe_signature(type, peer.get());
        (is_server ? facts.client_digest : facts.server_digest) = digest_name(digest);
    }
    return facts;
}

Trust Engine::trust() const
{
    if (!peer_certificate(ssl_.get()))
        return Trust::anonymous;
    if (chain_error_ != X509_V_OK || SSL_session_reused(ssl_.get()) == 1)
        return chain_error_ == X509_V_OK && SSL_get_verify_result(ssl_.get()) == X509_V_OK ? Trust::trusted : Trust::untrusted;
    return wants_name_ && !name_differs_ ? Trust::verified : Trust::trusted;
}

std::string Engine::peer_name() const
{
    auto certificate = peer_certificate(ssl_.get());
    if (!certificate)
        return "";
    auto* subject = X509_get_subject_name(certificate.get());
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0)
        return "";
    unsigned char* utf8 = nullptr;
    int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (length < 0)
        return "";
    auto text = printable(std::string_view(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(length)));
    OPENSSL_free(utf8);
    return text;
}

std::string Engine::peer_fingerprint() const
{
    auto certificate = peer_certificate(ssl_.get());
    if (!certificate)
        return "";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (X509_digest(certificate.get(), EVP_sha256(), digest, &length) != 1)
        return "";
    auto hex = upper(hex_encode(std::string_view(reinterpret_cast<char*>(digest), length)));
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2)
        out += cat(i == 0 ? "" : ":", std::string_view(hex).substr(i, 2));
    return out;
}

std::string Engine::verify_error() const
{
    if (chain_error_ != X509_V_OK)
        return X509_verify_cert_error_string(chain_error_);
    return name_differs_ ? "the certificate is for another name" : "";
}

}  // namespace mta::tls
