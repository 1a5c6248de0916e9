#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "tls/settings.h"

namespace mta::keys {

// The certificates that one service shows, and with whose keys its front may have things signed.
struct Grant {
    std::string service;
    std::vector<tls::CertificateFiles> certificates;
};

// For each service whose clients may use TLS, by its own -o options.
std::vector<Grant> tls_grants(const std::vector<config::Service>& services, const std::string& config_directory);

}  // namespace mta::keys
