#pragma once

#include "master/plan.h"

namespace mta::master {

// Starts each program of the plan for a moment, with its options but without sockets: it reads its parameters and opens its files as
// it will later, says on standard error what it cannot work with, and ends before it does anything. True if all are content.
bool try_out(const Plan& plan);

}  // namespace mta::master
