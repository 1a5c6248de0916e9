#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace mta::daemon {

// An identity to become; by number, so that nothing has to be looked up later.
struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name, home, shell;
};
// "name" or "uid:gid"; an Error if there is no such user, or temporarily if that cannot be told.
Result<User> find_user(const std::string& name);

// Becomes the user for ever: supplementary groups, gid, uid, no way back, no capabilities, no new privileges. Does nothing when
// not root. Throws std::system_error when any of it fails. A worker dies with its parent also after this.
void become(const User& user, bool with_groups = false);

}  // namespace mta::daemon
