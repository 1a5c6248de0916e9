#include "buuta/tls_files.h"

#include "tls/context.h"
#include "tls/params.h"

namespace mta::buuta {

namespace {

Result<void> check_settings(const Result<tls::Settings>& settings)
{
    if (!settings)
        return settings.error();
    auto context = tls::Context::load(*settings);
    return context ? Result<void>() : Result<void>(context.error());
}

bool is_server(const std::string& program) { return program == "smtpd" || program == "imapd" || program == "pop3d"; }

}  // namespace

Result<void> check_tls(const config::Config& config, const std::string& program)
{
    if (program == "smtp" || program == "lmtp") {
        tls::ClientParams params(config, program);
        return check_settings(params.settings(false));
    }
    if (!is_server(program))
        return {};
    tls::ServerParams inherited(config, "smtpd");  // imapd and pop3d refer to its values
    tls::ServerParams params(config, program);
    if (params.is_on() || params.wrappermode)
        return check_settings(params.settings("check"));
    return {};
}

bool serves_tls(const config::Config& config, const std::string& program)
{
    if (!is_server(program))
        return false;
    tls::ServerParams inherited(config, "smtpd");
    return tls::ServerParams(config, program).is_on();
}

}  // namespace mta::buuta
