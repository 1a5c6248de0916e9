#pragma once

#include <memory>
#include <string>
#include <vector>

#include "master/params.h"
#include "master/plan.h"
#include "master/supervisor.h"

namespace mta::master {

// Both configuration files as they were at one moment.
struct Files {
    config::Config config;
    std::vector<config::Service> services;
};
Result<Files> read_files(const std::string& config_directory);

// What the files mean.
struct Setup {
    std::unique_ptr<Params> params;
    Plan plan;
};

// A bad value in main.cf ends the process (log::fatal); all else that is wrong is in the Error, a line for each fault.
Result<Setup> make_setup(const Files& files);

// Whether make_setup() would succeed and every daemon is content (trial.h), without any danger for this process: children try it.
// Logs what is wrong.
bool is_sound(const Files& files);

// Each line of the text as an error in the log.
void log_errors(const Error& error);

}  // namespace mta::master
