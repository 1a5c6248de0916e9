#include "tls/pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "tls/context.h"
#include "tls/signer.h"

namespace mta::tls {

namespace {

using Bio = std::unique_ptr<BIO, Release<BIO_free_all>>;

constexpr std::array<std::string_view, 3> curves{"prime256v1", "secp384r1", "secp521r1"};
constexpr std::size_t max_group_name_bytes = 80;

Error openssl_error(std::string_view what) { return Error{cat(what, ": ", library_error()), "4.7.5"}; }

int no_passphrase(char*, int, int, void*) { return -1; }  // never ask at a terminal

Bio memory(const std::string& bytes) { return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

Error in(const std::string& parameter, const Error& error)
{
    return parameter.empty() ? error : Error{cat(parameter, ": ", error.text), error.status};
}

Result<Key> parse_key(const std::string& pem, const std::string& path)
{
    ERR_clear_error();
    Key key(PEM_read_bio_PrivateKey(memory(pem).get(), nullptr, no_passphrase, nullptr));
    if (!key)
        return openssl_error(cat("no usable private key in ", path));
    return key;
}

}  // namespace

Result<std::vector<Certificate>> parse_chain(const std::string& pem, const std::string& place)
{
    ERR_clear_error();
    auto bio = memory(pem);
    std::vector<Certificate> chain;
    while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)})
        chain.push_back(std::move(next));
    if (chain.empty())
        return openssl_error(cat("no certificate in ", place));
    ERR_clear_error();
    return chain;
}

Result<Pair> read_pair(const CertificateFiles& files, const Reader& reader)
{
    auto chain_pem = reader(files.chain);
    if (!chain_pem)
        return in(files.chain_parameter, chain_pem.error());
    auto chain = parse_chain(*chain_pem, files.chain);
    if (!chain)
        return in(files.chain_parameter, chain.error());
    auto key_pem = files.key == files.chain ? chain_pem : reader(files.key);
    if (!key_pem)
        return in(files.key_parameter, key_pem.error());
    auto key = parse_key(*key_pem, files.key);
    if (!key)
        return in(files.key_parameter, key.error());
    if (X509_check_private_key(chain->front().get(), key->get()) != 1)
        return in(files.key_parameter, openssl_error(cat("the key in ", files.key, " does not belong to the certificate in ", files.chain)));
    return Pair{*std::move(chain), *std::move(key)};
}

std::string chain_text(const std::vector<Certificate>& chain)
{
    Bio out(BIO_new(BIO_s_mem()));
    for (const auto& certificate : chain)
        PEM_write_bio_X509(out.get(), certificate.get());
    char* data = nullptr;
    auto size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

Result<void> check_key_type(const EVP_PKEY* key)
{
    if (EVP_PKEY_is_a(key, "ED25519"))
        return {};
    if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_size(key) <= static_cast<int>(max_signature_bytes))
        return {};
    char group[max_group_name_bytes];
    std::size_t size = 0;
    bool is_ec = EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1;
    if (is_ec && std::find(curves.begin(), curves.end(), std::string_view(group, size)) != curves.end())
        return {};
    return Error{"the key is none of RSA up to 8192 bits, ECDSA with the curve P-256, P-384 or P-521, and Ed25519", "4.7.5"};
}

std::string fingerprint(const EVP_PKEY* key)
{
    unsigned char* bytes = nullptr;
    auto size = i2d_PUBKEY(key, &bytes);
    std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owner(bytes);
    if (size <= 0)
        return {};
    return hex_encode(sha256({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)}));
}

}  // namespace mta::tls
