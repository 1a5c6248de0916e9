#pragma once

#include <optional>
#include <string>

#include "deliver/agent.h"
#include "smtp/session.h"
#include "table/maps.h"

namespace mta::smtpc {

struct Login {
    std::string user, password;
};

// Our user and password at servers: smtp_sasl_password_maps.
class Logins {
public:
    // Opens the tables; an Error says which one is missing.
    static Result<Logins> open(const Params& params, const std::string& default_database_type);

    // Tables that were replaced are opened again, if this process may read them.
    void renew()
    {
        if (maps_)
            maps_->renew();
    }

    // The entry for a nexthop as written, its host, or the server's name; nothing if there is none or logging in is off.
    Result<std::optional<Login>> find(const std::string& nexthop, const Host& host) const;

private:
    explicit Logins(std::optional<table::Maps> maps) : maps_(std::move(maps)) {}
    std::optional<table::Maps> maps_;
};

// AUTH PLAIN or LOGIN (RFC 4954, RFC 4616), if the server offers it. The outcome says why it did not work.
std::optional<deliver::Outcome> log_in(Session& session, const Login& login);

}  // namespace mta::smtpc
