#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/fd.h"
#include "tls/context.h"
#include "tls/pair.h"

// Self-made certificates for the tests.
namespace mta::tls::test {

using Bio = std::unique_ptr<BIO, Release<BIO_free_all>>;

inline std::string text_of(BIO* bio)
{
    char* data = nullptr;
    auto size = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<std::size_t>(size));
}

// type: "RSA", "ED25519", or a curve.
inline Key make_key(const std::string& type)
{
    if (type == "RSA")
        return Key(EVP_RSA_gen(2048));
    return Key(type == "ED25519" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519") : EVP_EC_gen(type.c_str()));
}

// Key and self-signed certificate for the name, as one PEM text.
inline std::string make_pem(const std::string& name, const std::string& type = "P-256")
{
    auto key = make_key(type);
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400);
    auto* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    X509_set_pubkey(certificate.get(), key.get());
    auto value = "DNS:" + name;
    std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, value.c_str()));
    X509_add_ext(certificate.get(), extension.get(), -1);
    X509_sign(certificate.get(), key.get(), type == "ED25519" ? nullptr : EVP_sha256());
    Bio out(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    PEM_write_bio_X509(out.get(), certificate.get());
    return text_of(out.get());
}

// A directory that goes away with the object.
struct Directory {
    Directory() : path(std::filesystem::temp_directory_path() / ("mta-tls-" + hex_encode(random_bytes(6))))
    {
        std::filesystem::create_directory(path);
    }
    ~Directory() { std::filesystem::remove_all(path); }
    std::string write(const std::string& name, const std::string& text) const
    {
        auto file = path / name;
        std::ofstream(file, std::ios::binary) << text;
        return file.string();
    }
    std::filesystem::path path;
};

inline const std::string& shared_pem()
{
    static const std::string pem = make_pem("mail.test");
    return pem;
}

inline CertificateFiles files_of(const Directory& directory, const std::string& pem)
{
    auto file = directory.write("own.pem", pem);
    return {file, file};
}

// With the shared pair, if there is no other one.
inline Context server_context(Settings settings = {})
{
    static const Directory directory;
    settings.is_server = true;
    if (settings.certificates.empty())
        settings.certificates = {files_of(directory, shared_pem())};
    auto context = Context::load(settings);
    if (!context)
        throw std::runtime_error(context.error().text);
    return *std::move(context);
}

inline Context client_context(Settings settings = {})
{
    settings.is_server = false;
    auto context = Context::load(settings);
    if (!context)
        throw std::runtime_error(context.error().text);
    return *std::move(context);
}

}  // namespace mta::tls::test
