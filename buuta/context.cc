#include "buuta/context.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"

namespace mta::buuta {

namespace {

config::Config load(const std::string& directory)
{
    std::unique_ptr<char, Release<std::free>> full(::realpath(directory.c_str(), nullptr));
    auto config = config::Config::load(full ? full.get() : directory);
    if (!config)
        log::fatal(config.error().text);
    return *std::move(config);
}

bool open_log(const config::Common& common)
{
    const std::string& file = common.maillog_file;
    if (file == "/dev/stdout")
        return false;  // that is not our standard output
    if (!file.empty())
        return ::access(file.c_str(), W_OK) == 0 && log::open_file(file);  // a command does not make the log file
    return log::open_syslog(common.syslog_facility);
}

}  // namespace

Context::Context(const std::string& config_directory, bool is_verbose)
    : config_(load(config_directory)), common_(std::make_unique<config::Common>(config_)), is_verbose_(is_verbose)
{
    has_log_ = open_log(*common_);
    if (has_log_)
        log::set_tag(cat(common_->syslog_name(), "/buuta"));
}

std::string Context::system_name() const { return cat("the ", common_->mail_name(), " mail system"); }
std::string Context::daemon(std::string_view name) const { return cat(common_->daemon_directory(), "/", name); }
std::string Context::command(std::string_view name) const { return cat(common_->command_directory(), "/", name); }

void Context::say(log::Level level, std::string_view prefix, std::string_view text) const
{
    (void)write_all(2, cat("buuta: ", prefix, printable(text), "\n")).operator bool();
    if (has_log_)
        log::write(level, text);
}

void Context::info(std::string_view text) const { say(log::Level::info, "", text); }
void Context::warning(std::string_view text) const { say(log::Level::warning, "warning: ", text); }

int Context::fatal(std::string_view text) const
{
    say(log::Level::fatal, "fatal: ", text);
    return 1;
}

int run_program(const std::vector<std::string>& words)
{
    pid_t child = ::fork();
    if (child < 0)
        return exit_no_exec;
    if (child == 0) {
        std::vector<char*> arguments;
        for (const auto& word : words)
            arguments.push_back(const_cast<char*>(word.c_str()));  // execv() does not write
        arguments.push_back(nullptr);
        ::execv(arguments[0], arguments.data());
        ::_exit(exit_no_exec);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : exit_no_exec;
}

}  // namespace mta::buuta
