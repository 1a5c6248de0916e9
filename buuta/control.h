#pragma once

#include "buuta/context.h"

// What starts, stops and asks the running system. Each gives the exit status.
namespace mta::buuta {

int start(const Context& context);
int start_foreground(const Context& context);
int stop(const Context& context);
int reload(const Context& context);
int abort(const Context& context);
int status(const Context& context);
int flush(const Context& context);

}  // namespace mta::buuta
