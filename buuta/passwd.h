#pragma once

#include "buuta/context.h"

namespace mta::buuta {

// "buuta passwd [-dp] [-s scheme] user": sets, deletes or only prints a password of auth_users. argv[0] is "passwd". Gives
// the exit status.
int passwd(int argc, char** argv, const Context& context);

}  // namespace mta::buuta
