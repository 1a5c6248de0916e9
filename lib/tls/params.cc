#include "tls/params.h"

#include "log/log.h"

namespace mta::tls {

namespace {

Error wrong(std::string_view name, std::string_view why) { return Error{cat(name, ": ", why), "5.3.5"}; }

Result<std::string> cipher_list(const CommonParams& common, std::string_view name, const std::string& grade)
{
    if (iequals(grade, "high"))
        return common.high_cipherlist();
    if (iequals(grade, "medium") || iequals(grade, "low") || iequals(grade, "export"))
        return common.medium_cipherlist();  // nothing below is left in OpenSSL
    return wrong(name, cat("\"", grade, "\" is none of high and medium"));
}

Result<void> use_common(const CommonParams& common, Settings& settings)
{
    auto options = parse_ssl_options(common.ssl_options());
    if (!options)
        return wrong("tls_ssl_options", options.error().text);
    settings.options = *options;
    settings.groups = common.groups();
    settings.server_order = common.preempt_cipherlist();
    settings.trust_system_authorities = common.append_default_ca();
    return {};
}

// What a server and a client choose alike by whether TLS is a must.
template <class Params>
Result<void> use_choice(const Params& params, bool mandatory, std::string_view prefix, Settings& settings)
{
    settings.protocols = mandatory ? params.mandatory_protocols() : params.protocols();
    if (auto range = parse_protocols(settings.protocols); !range)
        return wrong(cat(prefix, mandatory ? "_tls_mandatory_protocols" : "_tls_protocols"), range.error().text);
    auto list = cipher_list(params.common, cat(prefix, mandatory ? "_tls_mandatory_ciphers" : "_tls_ciphers"),
                            mandatory ? params.mandatory_ciphers() : params.ciphers());
    if (!list)
        return list.error();
    settings.cipher_list = *list;
    settings.exclude_ciphers = params.exclude_ciphers();
    if (mandatory)
        settings.exclude_ciphers += cat(" ", params.mandatory_exclude_ciphers());
    settings.ca_file = params.ca_file();
    settings.ca_path = params.ca_path();
    return use_common(params.common, settings);
}

}  // namespace

ServerParams::ServerParams(const config::Config& config, std::string_view prefix) : Group(config), prefix_(prefix)
{
    if (!security_level().empty() && security_level() != "none" && security_level() != "may" && security_level() != "encrypt")
        log::fatal(named("security_level"), ": \"", security_level(), "\" is none of none, may and encrypt");
}

// The key is in the file of the certificate, unless it has one of its own: for imapd and pop3d smtpd's, as with the certificate.
std::string ServerParams::key_default(std::string_view certificate, std::string_view key) const
{
    bool has_certificate = prefix_ == "smtpd" || config().find(named(certificate));
    return has_certificate ? cat("$", named(certificate)) : cat("$smtpd_tls_", key);
}

std::string ServerParams::inherited(std::string_view name, std::string_view value) const
{
    return prefix_ == "smtpd" ? std::string(value) : cat("$smtpd_tls_", name);
}

Level ServerParams::level() const
{
    if (wrappermode() || security_level() == "encrypt")
        return Level::encrypt;
    if (security_level() == "none" || certificates().empty())
        return Level::none;
    return Level::may;
}

// The parameter that gives its value to PREFIX_tls_NAME.
std::string ServerParams::responsible(std::string_view name) const
{
    return prefix_ == "smtpd" || config().find(named(name)) ? named(name) : cat("smtpd_tls_", name);
}

std::string ServerParams::responsible_for_key(std::string_view certificate, std::string_view key) const
{
    if (config().find(named(key)))
        return named(key);
    auto of_smtpd = cat("smtpd_tls_", key);
    bool is_inherited = prefix_ != "smtpd" && !config().find(named(certificate));
    return is_inherited && config().find(of_smtpd) ? of_smtpd : responsible(certificate);
}

std::vector<CertificateFiles> ServerParams::certificates() const
{
    std::vector<CertificateFiles> files;
    for (const auto& file : chain_files())
        files.push_back({file, file, responsible("chain_files"), responsible("chain_files")});
    if (files.empty() && !cert_file().empty() && cert_file() != "none")
        files.push_back({cert_file(), key_file(), responsible("cert_file"), responsible_for_key("cert_file", "key_file")});
    if (chain_files().empty() && !eccert_file().empty())
        files.push_back({eccert_file(), eckey_file(), responsible("eccert_file"), responsible_for_key("eccert_file", "eckey_file")});
    return files;
}

Result<Settings> ServerParams::settings(const std::string& service) const
{
    Settings settings;
    settings.certificates = certificates();
    if (settings.certificates.empty())
        return wrong(named("cert_file"), "TLS needs a certificate");
    settings.request_certificate = ask_ccert();
    settings.session_context = service;
    if (auto done = use_choice(*this, level() == Level::encrypt, prefix_, settings); !done)
        return done.error();
    return settings;
}

ClientParams::ClientParams(const config::Config& config, std::string_view prefix) : Group(config), prefix_(prefix) {}

Result<Settings> ClientParams::settings(bool mandatory) const
{
    Settings settings;
    settings.is_server = false;
    if (!cert_file().empty())
        settings.certificates.push_back({cert_file(), key_file(), named("cert_file"), named("key_file")});
    if (auto done = use_choice(*this, mandatory, prefix_, settings); !done)
        return done.error();
    return settings;
}

}  // namespace mta::tls
