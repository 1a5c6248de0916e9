#pragma once

#include <string>
#include <vector>

#include "buuta/context.h"

namespace mta::buuta {

// Whether master would accept both configuration files; it says what is wrong with them.
bool is_startable(const Context& context);

// All checks of the configuration, of files and of directories: the exit status.
int check(const Context& context);

// Creates what is missing and corrects owners and modes of directories and files.
int set_permissions(const Context& context);

}  // namespace mta::buuta
