#include "keys/signature.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/text.h"
#include "tls/context.h"

namespace mta::keys {

namespace {

using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD, Release<EVP_MD_free>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

bool use_padding(EVP_PKEY_CTX* context, const tls::Scheme& scheme)
{
    if (scheme.key_type != "RSA")
        return true;
    if (EVP_PKEY_CTX_set_rsa_padding(context, scheme.is_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1)
        return false;
    return !scheme.is_pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

bool sign_digest(EVP_PKEY* key, const tls::Scheme& scheme, std::string_view digest, std::string& into, std::size_t& size)
{
    KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    Digest algorithm(EVP_MD_fetch(nullptr, std::string(scheme.digest).c_str(), nullptr));
    return context && algorithm && EVP_PKEY_sign_init(context.get()) == 1 && use_padding(context.get(), scheme) &&
           EVP_PKEY_CTX_set_signature_md(context.get(), algorithm.get()) == 1 &&
           EVP_PKEY_sign(context.get(), bytes_of(into), &size, bytes_of(digest), digest.size()) == 1;
}

bool sign_text(EVP_PKEY* key, std::string_view text, std::string& into, std::size_t& size)
{
    DigestContext context(EVP_MD_CTX_new());
    return context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestSign(context.get(), bytes_of(into), &size, bytes_of(text), text.size()) == 1;
}

}  // namespace

Result<std::string> make_signature(EVP_PKEY* key, const tls::Scheme& scheme, std::string_view data)
{
    if (!EVP_PKEY_is_a(key, std::string(scheme.key_type).c_str()))
        return failure(cat("the key is not for ", scheme.name));
    if (data.size() < scheme.min_bytes || data.size() > scheme.max_bytes)
        return failure(cat(data.size(), " bytes are not for ", scheme.name));
    ERR_clear_error();
    std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
    auto size = signature.size();
    if (!(scheme.digest.empty() ? sign_text(key, data, signature, size) : sign_digest(key, scheme, data, signature, size)))
        return failure(cat("cannot sign: ", tls::library_error()));
    signature.resize(size);
    return signature;
}

}  // namespace mta::keys
