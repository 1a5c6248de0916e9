#pragma once

#include <memory>
#include <optional>
#include <string>

#include "auth/users.h"

// What an auth worker does: it may wait for a database and burn a password hash's time.
namespace mta::auth {

struct CheckRequest {
    std::string kind;      // "password": is it right; "keys": what SCRAM needs
    std::string user, password, address;
    long long number = 0;  // comes back with the reply

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("kind", self.kind);
        visit("user", self.user);
        visit("password", self.password);
        visit("address", self.address);
        visit("number", self.number);
    }
};

struct CheckReply {
    std::string result;    // "yes", "no", "disabled" (right, but may not log in), "error" (cannot tell now)
    std::string keys;      // ScramKeys, also for a user that does not exist
    std::string uid, gid, home, mail;
    std::string trouble;   // why there is no mailbox; empty if all is well
    long long number = 0;

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("result", self.result);
        visit("keys", self.keys);
        visit("uid", self.uid);
        visit("gid", self.gid);
        visit("home", self.home);
        visit("mail", self.mail);
        visit("trouble", self.trouble);
        visit("number", self.number);
    }
};

class Checker {
public:
    struct Settings {
        std::string mail_location;
        std::string default_uid, default_gid;  // empty: the process's own, unless that is root
        std::string password_scheme;           // what an unknown user costs
        std::string secret;                    // for fake salts
    };
    Checker(Users& users, Settings settings);

    CheckReply check(const CheckRequest& request);

private:
    void check_password(const CheckRequest& request, const std::optional<Entry>& entry, CheckReply& reply);
    void give_keys(const CheckRequest& request, const std::optional<Entry>& entry, CheckReply& reply);
    void describe(const Entry& entry, CheckReply& reply) const;

    Users& users_;
    Settings settings_;
    std::string nobody_;   // a stored password that nobody knows
};

}  // namespace mta::auth
