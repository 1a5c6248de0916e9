#pragma once

#include <string>

#include "base/result.h"
#include "net/stream.h"

// What imapd and pop3d ask auth (service `auth`). front tells auth who a client is, and hands the session over: on the
// connection to the worker comes first a message Ticket, alone, then the message Session. The worker, still root,
// redeems the ticket, becomes the account's owner, and only then reads the Session.
namespace mta::service {

struct Ticket {
    std::string ticket;

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("ticket", self.ticket);
    }
};

// Who has logged in, and where the mail is.
struct Account {
    std::string user;      // the login name, lower case: "anna@example.com"
    std::string owner;     // "uid:gid", for daemon::find_user()
    std::string home;      // may be empty
    std::string mail;      // "maildir:/home/anna/Maildir", without any %
};

// Asks auth (at the socket, normally queue_directory/private/auth) for the account that the ticket stands for. A ticket
// is good once, for a minute, and only for the service that it was given to ("imap", "pop3"). An Error is temporary
// if auth cannot be asked.
Result<Account> redeem(const std::string& socket, const std::string& ticket, const std::string& service, net::Seconds limit = net::Seconds(30));

}  // namespace mta::service
