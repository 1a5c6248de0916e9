#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/process.h"
#include "ipc/channel.h"
#include "maildir/mailbox.h"
#include "net/stream.h"
#include "service/auth.h"
#include "service/return_ticket.h"
#include "service/session.h"

namespace mta::daemon {

// A session that front has handed over, and the mailbox of the user who logged in.
struct MailboxSession {
    service::Session client;
    service::Account account;
    net::Stream stream;
    std::unique_ptr<maildir::Mailbox> mailbox;
    std::string return_ticket;     // with it front may have the session back; empty: it may not
};

struct TakeOver {
    std::string auth_socket;
    std::string protocol;          // what the ticket must be for: "imap", "pop3"
    std::string unavailable;       // the line for a client whose mailbox cannot be opened
    User stranger;                 // who speaks with the client when the ticket turns out to be worth nothing
    service::ReturnSecret* secret = nullptr;  // none: sessions do not come back. Wiped by who gives up being root
    std::function<void(const std::vector<std::string>& directories)> seal = [](const auto&) {};  // by the mailbox's owner, who reads nothing before
};
// The session that comes over the connection from front; nothing if it cannot be served: then the client was told.
std::optional<MailboxSession> take_over(ipc::Channel& front, const TakeOver& how);

// What both may do: with the mailbox itself only when a worker is sealed.
sandbox::Rules mailbox_rules(const Process& process);

// Talks with the client. Front gets the session back with the descriptor that is returned, if one is, as session.client says.
using MailboxHandler = std::function<Fd(MailboxSession& session)>;

// The life of imapd and pop3d, in the sandbox that the rules make: each worker takes a session over from front, redeems its ticket at auth, or by the secret if
// it has waited in front, becomes the mailbox's owner for ever (when root; never root itself), and only then reads who the
// client is. Front learns that the session is over by the end of its connection.
int serve_mailboxes(Process& process, const sandbox::Rules& rules, const std::string& protocol, const std::string& unavailable, const MailboxHandler& handler,
                    service::ReturnSecret* secret = nullptr);

}  // namespace mta::daemon
