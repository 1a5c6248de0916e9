#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "config/config.h"
#include "tls/settings.h"

namespace mta::tls {

// What holds for TLS everywhere in the suite.
struct CommonParams : config::Group {
    using Group::Group;
    config::Param<std::string> high_cipherlist{*this, "tls_high_cipherlist", "HIGH:!aNULL:@STRENGTH",
        "The ciphers of the grade high, in OpenSSL's syntax; TLS 1.3 has its own."};
    config::Param<std::string> medium_cipherlist{*this, "tls_medium_cipherlist", "HIGH:MEDIUM:!aNULL:@STRENGTH",
        "The ciphers of the grade medium and of those below it, in OpenSSL's syntax; TLS 1.3 has its own."};
    config::Param<bool> preempt_cipherlist{*this, "tls_preempt_cipherlist", "no",
        "The server's order of ciphers counts, not the client's."};
    config::Param<std::string> ssl_options{*this, "tls_ssl_options", "",
        "OpenSSL options by name, e.g. NO_TICKET or PRIORITIZE_CHACHA, or as a number in hexadecimal."};
    config::Param<std::string> groups{*this, "tls_eecdh_auto_curves", "X25519 prime256v1 X448 secp384r1 secp521r1",
        "The groups for key exchange, the preferred one first; unknown names are skipped."};
    config::Param<bool> append_default_ca{*this, "tls_append_default_CA", "no",
        "Trust the system's certification authorities in addition to the given ones."};
};

// Empty (off), or one of the levels.
enum class Level { none, may, encrypt };

// The parameters of a server: PREFIX_tls_... with smtpd, imapd or pop3d as PREFIX. Those of imapd and pop3d default to
// smtpd's, which must be declared for that: construct ServerParams(config, "smtpd") before.
struct ServerParams : config::Group {
    ServerParams(const config::Config& config, std::string_view prefix);
    // False if neither certificate nor level asks for TLS.
    bool is_on() const { return level() != Level::none; }
    Level level() const;
    bool has_certificate() const { return !certificates().empty(); }
    std::vector<CertificateFiles> certificates() const;
    // All that a Context needs; an Error names the parameter that is wrong.
    Result<Settings> settings(const std::string& service) const;

private:
    std::string prefix_;
    std::string named(std::string_view name) const { return cat(prefix_, "_tls_", name); }
    std::string inherited(std::string_view name, std::string_view value) const;
    std::string key_default(std::string_view certificate, std::string_view key) const;
    std::string responsible(std::string_view name) const;
    std::string responsible_for_key(std::string_view certificate, std::string_view key) const;

public:
    CommonParams common{config()};
    config::Param<std::string> security_level{*this, named("security_level"), inherited("security_level", ""),
        "none, may (TLS if the client wants it) or encrypt (nothing without it); empty means may if there is a certificate."};
    config::Param<bool> wrappermode{*this, named("wrappermode"), "no", "TLS from the first byte, as on the ports 465, 993 and 995."};
    config::Param<bool> auth_only{*this, named("auth_only"), "yes", "Take passwords only inside TLS."};
    config::Param<std::vector<std::string>> chain_files{*this, named("chain_files"), inherited("chain_files", ""),
        "Files with a private key followed by its certificate chain, for each key type one."};
    config::Param<std::string> cert_file{*this, named("cert_file"), inherited("cert_file", ""),
        "The file with the server's certificate chain, its own certificate first; read again when it changes."};
    config::Param<std::string> key_file{*this, named("key_file"), key_default("cert_file", "key_file"),
        "The file with the private key for the certificate."};
    config::Param<std::string> eccert_file{*this, named("eccert_file"), inherited("eccert_file", ""),
        "The file with a second certificate chain, for an ECDSA key."};
    config::Param<std::string> eckey_file{*this, named("eckey_file"), key_default("eccert_file", "eckey_file"),
        "The file with the private key for the second certificate."};
    config::Param<std::string> ca_file{*this, named("CAfile"), inherited("CAfile", ""), "Certification authorities for client certificates."};
    config::Param<std::string> ca_path{*this, named("CApath"), inherited("CApath", ""), "A hashed directory of certification authorities for client certificates."};
    config::Param<bool> ask_ccert{*this, named("ask_ccert"), "no", "Ask the client for a certificate."};
    config::Param<std::string> protocols{*this, named("protocols"), inherited("protocols", ">=TLSv1.2"),
        "The TLS versions for the level may: \">=TLSv1.2\", or \"!TLSv1, !TLSv1.1\"."};
    config::Param<std::string> mandatory_protocols{*this, named("mandatory_protocols"), inherited("mandatory_protocols", ">=TLSv1.2"),
        "The TLS versions for the level encrypt."};
    config::Param<std::string> ciphers{*this, named("ciphers"), inherited("ciphers", "medium"), "The cipher grade for the level may: high or medium."};
    config::Param<std::string> mandatory_ciphers{*this, named("mandatory_ciphers"), inherited("mandatory_ciphers", "medium"),
        "The cipher grade for the level encrypt: high or medium."};
    config::Param<std::string> exclude_ciphers{*this, named("exclude_ciphers"), inherited("exclude_ciphers", ""),
        "Ciphers that are never used, by name or class: \"aNULL, 3DES\"."};
    config::Param<std::string> mandatory_exclude_ciphers{*this, named("mandatory_exclude_ciphers"), inherited("mandatory_exclude_ciphers", ""),
        "Ciphers that are in addition not used at the level encrypt."};
    config::Param<long> loglevel{*this, named("loglevel"), inherited("loglevel", "0"), "1 logs a line for each TLS session."};
};

// The parameters of a client: PREFIX_tls_... with smtp or lmtp as PREFIX. The security level is the client's own business.
struct ClientParams : config::Group {
    ClientParams(const config::Config& config, std::string_view prefix);
    Result<Settings> settings(bool mandatory) const;

private:
    std::string prefix_;
    std::string named(std::string_view name) const { return cat(prefix_, "_tls_", name); }

public:
    CommonParams common{config()};
    config::Param<std::string> cert_file{*this, named("cert_file"), "", "The file with the client's certificate chain, if it shall show one."};
    config::Param<std::string> key_file{*this, named("key_file"), cat("$", prefix_, "_tls_cert_file"), "The file with its private key."};
    config::Param<std::string> ca_file{*this, named("CAfile"), "", "The certification authorities that vouch for servers."};
    config::Param<std::string> ca_path{*this, named("CApath"), "", "A hashed directory of certification authorities that vouch for servers."};
    config::Param<std::string> protocols{*this, named("protocols"), ">=TLSv1.2", "The TLS versions for opportunistic TLS."};
    config::Param<std::string> mandatory_protocols{*this, named("mandatory_protocols"), ">=TLSv1.2", "The TLS versions where TLS is a must."};
    config::Param<std::string> ciphers{*this, named("ciphers"), "medium", "The cipher grade for opportunistic TLS: high or medium."};
    config::Param<std::string> mandatory_ciphers{*this, named("mandatory_ciphers"), "medium", "The cipher grade where TLS is a must: high or medium."};
    config::Param<std::string> exclude_ciphers{*this, named("exclude_ciphers"), "", "Ciphers that are never used, by name or class."};
    config::Param<std::string> mandatory_exclude_ciphers{*this, named("mandatory_exclude_ciphers"), "", "Ciphers that are in addition not used where TLS is a must."};
    config::Param<long> loglevel{*this, named("loglevel"), "0", "1 logs a line for each TLS session."};
};

}  // namespace mta::tls
