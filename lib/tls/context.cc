#include "tls/context.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>

#include "base/checksum.h"
#include "base/file.h"
#include "base/file_stamp.h"
#include "base/text.h"
#include "log/log.h"
#include "tls/pair.h"
#include "tls/remote_key.h"

namespace mta::tls {

namespace {

void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using Stack = std::unique_ptr<STACK_OF(X509), Release<free_stack>>;

constexpr std::chrono::seconds look_interval{3};
constexpr std::size_t max_pem_bytes = 1u << 20;
constexpr std::size_t ticket_keys_bytes = 80;  // what OpenSSL 3 wants for SSL_CTX_set_tlsext_ticket_keys

Error openssl_error(std::string_view what)
{
    return Error{cat(what, ": ", library_error()), "4.7.5"};
}

Result<void> use_pair(SSL_CTX* context, const Pair& pair, std::string_view what)
{
    Stack others(sk_X509_new_null());
    for (std::size_t i = 1; i < pair.chain.size(); ++i)
        sk_X509_push(others.get(), pair.chain[i].get());
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(context, pair.chain.front().get(), pair.key.get(), others.get(), 1) != 1)
        return openssl_error(what);
    return {};
}

Result<void> use_files(SSL_CTX* context, const CertificateFiles& files, const Settings& settings)
{
    auto pair = read_pair(files, [](const std::string& path) { return read_file(path, max_pem_bytes); });
    if (!pair)
        return pair.error();
    if (auto usable = settings.is_server ? check_key_type(pair->key.get()) : Result<void>(); !usable)
        return Error{cat(files.key_parameter.empty() ? "" : cat(files.key_parameter, ": "), files.key, ": ", usable.error().text), "4.7.5"};
    return use_pair(context, *pair, cat("certificate ", files.chain, " and key ", files.key));
}

// The key stays where it is.
Result<void> use_chain(SSL_CTX* context, const std::string& text)
{
    auto chain = parse_chain(text, "what was given");
    if (!chain)
        return chain.error();
    auto key = remote_key(X509_get0_pubkey(chain->front().get()));
    if (!key)
        return key.error();
    return use_pair(context, {*std::move(chain), *std::move(key)}, "certificate");
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
    if (settings.is_server)
        list += cat(list.empty() ? "DEFAULT" : "", ":!kRSA");  // a key that signs decrypts nothing
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
    auto authorities = settings.authorities ? Result<std::shared_ptr<X509_STORE>>(settings.authorities) : load_authorities(settings);
    if (!authorities)
        return authorities.error();
    SSL_CTX_set1_cert_store(context, authorities->get());
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

Result<std::shared_ptr<X509_STORE>> load_authorities(const Settings& settings)
{
    std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
    ERR_clear_error();
    if (!store)
        return openssl_error("X509_STORE_new");
    if (settings.trust_system_authorities && X509_STORE_set_default_paths(store.get()) != 1)
        return openssl_error("the system's certification authorities");
    bool has_file = settings.ca_file.empty() || X509_STORE_load_file(store.get(), settings.ca_file.c_str()) == 1;
    bool has_path = settings.ca_path.empty() || X509_STORE_load_path(store.get(), settings.ca_path.c_str()) == 1;
    if (!has_file || !has_path)
        return openssl_error(cat("certification authorities in ", settings.ca_file, " ", settings.ca_path));
    return store;
}

Result<Context::Handle> Context::make(const Settings& settings)
{
    Handle context(SSL_CTX_new(settings.is_server ? TLS_server_method() : TLS_client_method()));
    if (!context)
        return openssl_error("SSL_CTX_new");
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | settings.options);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | (settings.signer ? SSL_MODE_ASYNC : 0));
    if (settings.is_server)
        use_server_defaults(context.get(), settings);
    if (auto done = use_protocols(context.get(), settings.protocols); !done)
        return done.error();
    if (auto done = use_ciphers(context.get(), settings); !done)
        return done.error();
    use_groups(context.get(), settings.groups);
    if (auto done = use_authorities(context.get(), settings); !done)
        return done.error();
    for (const auto& chain : settings.chains)
        if (auto done = use_chain(context.get(), chain); !done)
            return done.error();
    for (const auto& files : settings.certificates)
        if (auto done = use_files(context.get(), files, settings); !done)
            return done.error();
    return context;
}

Result<Context> Context::load(Settings settings)
{
    if (settings.is_server && settings.certificates.empty() && settings.chains.empty())
        return Error{"no certificate for the TLS server is given", "4.7.5"};
    Context context(std::move(settings));
    context.checked_ = Clock::now();
    if (!context.settings_.is_server)
        context.stamps_ = context.stamps();  // before reading, so that no change is missed
    auto handle = make(context.settings_);
    if (!handle)
        return handle.error();
    context.handle_ = std::move(*handle);
    return context;
}

Result<void> Context::check(const Settings& settings)
{
    auto made = make(settings);
    return made ? Result<void>() : Result<void>(made.error());
}

void Context::use_chains(std::vector<std::string> chains)
{
    settings_.chains = std::move(chains);
    renew();
}

SSL_CTX* Context::current(Clock::time_point now)
{
    if (settings_.is_server || now - checked_ < look_interval)
        return handle_.get();
    checked_ = now;
    if (auto found = stamps(); found != stamps_) {
        stamps_ = std::move(found);
        renew();
    }
    return handle_.get();
}

void Context::renew()
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

std::vector<std::string> Context::stamps() const
{
    std::vector<std::string> paths{settings_.ca_file};
    for (const auto& files : settings_.certificates)
        paths.insert(paths.end(), {files.chain, files.key});
    std::vector<std::string> found;
    for (const auto& path : paths)
        found.push_back(path.empty() ? "" : file_stamp(path));
    return found;
}

}  // namespace mta::tls
