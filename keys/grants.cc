#include "keys/grants.h"

#include "log/log.h"
#include "tls/params.h"

namespace mta::keys {

namespace {

bool has_front(const config::Service& service)
{
    return service.type == "inet" && (service.command == "smtpd" || service.command == "imapd" || service.command == "pop3d");
}

config::Config config_of(const config::Service& service, const std::string& config_directory)
{
    auto overrides = service.overrides;  // and what daemon::Process adds
    overrides.emplace_back("process_name", "front");
    overrides.emplace_back("service_name", service.name);
    overrides.emplace_back("config_directory", config_directory);
    auto config = config::Config::load(config_directory, overrides);
    if (!config)
        log::fatal(config.error().text);
    return *std::move(config);
}

}  // namespace

std::vector<Grant> tls_grants(const std::vector<config::Service>& services, const std::string& config_directory)
{
    std::vector<Grant> grants;
    for (const auto& service : services) {
        if (!has_front(service))
            continue;
        auto config = config_of(service, config_directory);
        const tls::ServerParams inherited(config, "smtpd");  // imapd and pop3d refer to its values
        const tls::ServerParams params(config, service.command);
        if (params.is_on() && params.has_certificate())
            grants.push_back({service.name, params.certificates()});
    }
    return grants;
}

}  // namespace mta::keys
