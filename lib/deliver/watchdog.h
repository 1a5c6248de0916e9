#pragma once

#include <chrono>

// Ends this process, an agent's worker, when it makes no progress: a quarter of the limit after the limit, so that one which
// was stopped meanwhile can go on when it is continued.
namespace mta::deliver::watchdog {

void install();                             // once in a worker
void restart(std::chrono::seconds limit);
void stop();

}  // namespace mta::deliver::watchdog
