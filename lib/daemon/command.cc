#include "daemon/command.h"

#include <cstdlib>

#include "log/log.h"

namespace mta::daemon {

config::Config load_config(const std::string& program, const std::string& directory, const config::Overrides& overrides)
{
    log::set_tag(program);
    log::open_stderr();
    const char* environment = std::getenv("MAIL_CONFIG");
    auto chosen = !directory.empty() ? directory : environment ? std::string(environment) : std::string("/etc/buuta");
    auto all = overrides;
    all.emplace_back("config_directory", chosen);
    auto config = config::Config::load(chosen, all);
    if (!config)
        log::fatal(config.error().text);
    return *std::move(config);
}

void open_log(const std::string& program, const config::Common& common)
{
    const auto& file = common.maillog_file();
    bool opened = file.empty() ? log::open_syslog(common.syslog_facility) : file != "/dev/stdout" && log::open_file(file);
    if (!opened)
        return;
    log::copy_to_stderr(program);
    log::set_tag(cat(common.syslog_name(), "/", program));
}

}  // namespace mta::daemon
