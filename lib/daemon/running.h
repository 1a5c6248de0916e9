#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

// The one master of a queue and data directory: how it keeps others out, and how commands find it.
namespace mta::daemon {

std::string pid_file(const std::string& queue_directory);

// The locks of a master, for as long as they live; forked processes share them.
struct MasterLock {
    Fd data, queue;
};

// An Error if another master has one of them, or they cannot be made.
Result<MasterLock> lock_master(const std::string& queue_directory, const std::string& data_directory);

// The running master's process ID; nothing if none runs. A caller who may not open the lock must believe the
// PID file, and that the process with this number is called master.
std::optional<pid_t> running_master(const std::string& queue_directory, const std::string& data_directory);

}  // namespace mta::daemon
