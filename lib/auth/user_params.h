#pragma once

#include <string>

#include "config/config.h"

namespace mta::auth {

// Where users are and what they have; for the auth daemon and for "buuta passwd".
struct UserParams : config::Group {
    using Group::Group;
    config::Param<std::string> users{*this, "auth_users", "passwd-file:$config_directory/users",
        "Who may log in: passwd-file:PATH with lines user:{SCHEME}password:uid:gid:gecos:home:shell:extra as in Dovecot, or a table type:name that gives such a line for a user."};
    config::Param<std::string> password_scheme{*this, "auth_password_scheme", "SCRAM-SHA-256",
        "The scheme of passwords that \"buuta passwd\" stores, and whose cost the look-up of an unknown user has. Only SCRAM-SHA-256 and PLAIN serve all login mechanisms."};
};

}  // namespace mta::auth
