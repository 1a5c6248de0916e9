#pragma once

#include <string>

#include "config/config.h"

namespace mta::buuta {

// Whether certificates, keys and TLS settings of a program (smtpd, imapd, pop3d, smtp, lmtp) can be used; nothing is wrong
// with programs without TLS.
Result<void> check_tls(const config::Config& config, const std::string& program);

// Whether clients of the program may use TLS.
bool serves_tls(const config::Config& config, const std::string& program);

}  // namespace mta::buuta
