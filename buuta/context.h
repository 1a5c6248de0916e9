#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/common.h"
#include "log/log.h"

namespace mta::buuta {

// What every subcommand works with: the instance that is meant, and where its messages go.
class Context {
public:
    // A bad main.cf is fatal.
    Context(const std::string& config_directory, bool is_verbose);

    const config::Config& config() const { return config_; }
    const config::Common& common() const { return *common_; }
    const std::string& config_directory() const { return config_.directory(); }
    bool is_verbose() const { return is_verbose_; }
    std::string system_name() const;            // "the Buuta mail system"
    std::string daemon(std::string_view name) const;   // full path of a daemon
    std::string command(std::string_view name) const;  // full path of a command

    // To standard error and, if that can be reached, to the log.
    void info(std::string_view text) const;
    void warning(std::string_view text) const;
    int fatal(std::string_view text) const;  // returns 1: the exit status

private:
    void say(log::Level level, std::string_view prefix, std::string_view text) const;

    config::Config config_;
    std::unique_ptr<config::Common> common_;
    bool is_verbose_ = false;
    bool has_log_ = false;
};

// Runs a program until it ends: its exit status.
constexpr int exit_no_exec = 127;  // it could not be started
int run_program(const std::vector<std::string>& words);

}  // namespace mta::buuta
