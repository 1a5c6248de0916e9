#pragma once

#include <string>

#include "config/common.h"

// What every command for the administrator shares.
namespace mta::daemon {

// The configuration in the directory (-c), or in $MAIL_CONFIG, or in /etc/buuta; a bad one is fatal with exit status 1.
// Messages go to standard error under the program's name.
config::Config load_config(const std::string& program, const std::string& directory = "", const config::Overrides& overrides = {});

// From here on what the program says goes to the log as well as to standard error, as Postfix's commands do.
void open_log(const std::string& program, const config::Common& common);

}  // namespace mta::daemon
