#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/checksum.h"
#include "base/file.h"
#include "base/text.h"
#include "log/log.h"

namespace mta::tls {

namespace {

using Bio = std::unique_ptr<BIO, Release<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;

void free_stack(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }
using Chain = std::unique_ptr<STACK_OF(X509), Release<free_stack>>;

constexpr std::size_t max_pem_bytes = 1u << 20;
constexpr std::size_t ticket_keys_bytes = 80;  // what OpenSSL 3 wants for SSL_CTX_set_tlsext_ticket_keys

Error openssl_error(std::string_view what)
{
    return Error{cat(what, ": ", library_error()), "4.7.5"};
}

int no_passphrase(char*, int, int, void*) { return -1; }  // never ask at a terminal

Bio memory(const std::string& bytes) { return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

Result<Key> parse_key(const std::string& pem, const std::string& path)
{
    ERR_clear_error();
    Key key(PEM_read_bio_PrivateKey(memory(pem).get(), nullptr, no_passphrase, nullptr));
    if (!key)
        return openssl_error(cat("no usable private key in ", path));
    return key;
}

Result<void> use_certificate(SSL_CTX* context, const CertificateFiles& files, const Reader& reader)
{
    auto chain_pem = reader(files.chain);
    if (!chain_pem)
        return chain_pem.error();
    auto key_pem = files.key == files.chain ? chain_pem : reader(files.key);
    if (!key_pem)
        return key_pem.error();
    auto key = parse_key(*key_pem, files.key);
    if (!key)
        return key.error();
    auto bio = memory(*chain_pem);
    Certificate own(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!own)
        return openssl_error(cat("no certificate in ", files.chain));
    Chain others(sk_X509_new_null());
    while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)})
        sk_X509_push(others.get(), next.release());
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(context, own.get(), key->get(), others.get(), 1) != 1)
        return openssl_error(cat("certificate ", files.chain, " and key ", files.key));
    return {};
}

// Names that this OpenSSL does not know are left out, so that one list serves several releases.
void use_groups(SSL_CTX* context, const std::string& groups)
{
    std::vector<std::string> known;
    for (auto word : split_words(groups, ", \t:"))
        if (SSL_CTX_set1_groups_list(context, std::string(word).c_str()) == 1)
            known.emplace_back(word);
    ERR_clear_error();
    if (!known.empty() && SSL_CTX_set1_groups_list(context, join(known, ":").c_str()) != 1)
        log::warning("TLS key exchange groups cannot be used: ", library_error());
}

Result<void> use_ciphers(SSL_CTX* context, const Settings& settings)
{
    std::string list = settings.cipher_list;
    for (auto name : split_words(settings.exclude_ciphers, ", \t:"))
        list += cat(list.empty() ? "DEFAULT:!" : ":!", name);
    ERR_clear_error();
    if (!list.empty() && SSL_CTX_set_cipher_list(context, list.c_str()) != 1)
        return openssl_error(cat("TLS cipher list \"", list, "\""));
    return {};
}

Result<void> use_protocols(SSL_CTX* context, const std::string& text)
{
    auto range = parse_protocols(text);
    if (!range)
        return range.error();
    ERR_clear_error();
    if (SSL_CTX_set_min_proto_version(context, range->lowest) != 1 || SSL_CTX_set_max_proto_version(context, range->highest) != 1)
        return openssl_error(cat("TLS protocols \"", text, "\""));
    SSL_CTX_set_options(context, range->disabled);
    return {};
}

Result<void> use_authorities(SSL_CTX* context, const Settings& settings)
{
    auto pointer = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
    ERR_clear_error();
    if (settings.trust_system_authorities && SSL_CTX_set_default_verify_paths(context) != 1)
        return openssl_error("the system's certification authorities");
    if (settings.ca_file.empty() && settings.ca_path.empty())
        return {};
    if (SSL_CTX_load_verify_locations(context, pointer(settings.ca_file), pointer(settings.ca_path)) != 1)
        return openssl_error(cat("certification authorities in ", settings.ca_file, " ", settings.ca_path));
    return {};
}

void use_server_defaults(SSL_CTX* context, const Settings& settings)
{
    SSL_CTX_set_dh_auto(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets need no memory here
    SSL_CTX_set_num_tickets(context, 1);
    auto id = sha256(settings.session_context);
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(id.data()), static_cast<unsigned>(id.size()));
    if (settings.server_order)
        SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
}

}  // namespace

std::string library_error()
{
    std::string text = "unknown reason";
    while (auto code = ERR_get_error()) {
        char line[256];
        ERR_error_string_n(code, line, sizeof line);
        text = line;
    }
    return text;
}

Result<Context::Handle> Context::make(const Settings& settings)
{
    Handle context(SSL_CTX_new(settings.is_server ? TLS_server_method() : TLS_client_method()));
    if (!context)
        return openssl_error("SSL_CTX_new");
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | settings.options);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    if (settings.is_server)
        use_server_defaults(context.get(), settings);
    if (auto done = use_protocols(context.get(), settings.protocols); !done)
        return done.error();
    if (auto done = use_ciphers(context.get(), settings); !done)
        return done.error();
    use_groups(context.get(), settings.groups);
    if (auto done = use_authorities(context.get(), settings); !done)
        return done.error();
    const Reader reader = settings.reader ? settings.reader : [](const std::string& path) { return read_file(path, max_pem_bytes); };
    for (const auto& files : settings.certificates)
        if (auto done = use_certificate(context.get(), files, reader); !done)
            return done.error();
    return context;
}

Result<Context> Context::load(Settings settings)
{
    if (settings.is_server && settings.certificates.empty())
        return Error{"no certificate for the TLS server is given", "4.7.5"};
    Context context(std::move(settings));
    context.stamps_ = context.stamps();  // before reading, so that no change is missed
    auto handle = make(context.settings_);
    if (!handle)
        return handle.error();
    context.handle_ = std::move(*handle);
    context.checked_ = std::chrono::steady_clock::now();
    return context;
}

SSL_CTX* Context::current()
{
    auto now = std::chrono::steady_clock::now();
    if (check_interval_.count() >= 0 && now - checked_ >= check_interval_) {
        checked_ = now;
        if (auto found = stamps(); found != stamps_) {
            stamps_ = std::move(found);
            reload();
        }
    }
    return handle_.get();
}

void Context::reload()
{
    auto fresh = make(settings_);
    if (!fresh) {
        log::warning("keeping the former TLS certificate: ", fresh.error().text);
        return;
    }
    std::array<unsigned char, ticket_keys_bytes> keys;  // clients need not do a full handshake because of this
    if (settings_.is_server && SSL_CTX_get_tlsext_ticket_keys(handle_.get(), keys.data(), keys.size()) == 1)
        SSL_CTX_set_tlsext_ticket_keys(fresh->get(), keys.data(), keys.size());
    handle_ = std::move(*fresh);
    log::info("TLS certificates were reloaded");
}

std::vector<Context::Stamp> Context::stamps() const
{
    std::vector<Stamp> found;
    auto add = [&](const std::string& path) {
        struct stat status {};
        if (path.empty() || ::stat(path.c_str(), &status) != 0)
            found.emplace_back();
        else
            found.push_back({static_cast<std::int64_t>(status.st_ino), status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec});
    };
    for (const auto& files : settings_.certificates) {
        add(files.chain);
        add(files.key);
    }
    add(settings_.ca_file);
    return found;
}

}  // namespace mta::tls
