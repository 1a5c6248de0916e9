#include "pop3d/handover.h"

#include <sys/stat.h>

#include "ipc/channel.h"
#include "log/log.h"
#include "pop3d/session.h"
#include "service/auth.h"
#include "service/session.h"

namespace mta::pop3d {

namespace {

using namespace std::chrono_literals;

constexpr auto handover_limit = 30s;

std::string_view reason(End end)
{
    switch (end) {
    case End::quit: return "Logged out";
    case End::lost: return "Connection closed";
    case End::timeout: return "Disconnected for inactivity";
    case End::refused: return "Too many errors";
    case End::unavailable: break;
    }
    return "Mailbox unavailable";
}

template <class T>
Result<T> receive(ipc::Channel& front, Fd* descriptor = nullptr)
{
    auto message = front.receive(handover_limit);
    if (!message)
        return failure("front closed the connection");
    if (descriptor != nullptr)
        *descriptor = std::move(message->fd);
    return ipc::unpack<T>(*message);
}

// The account that the first message stands for; the process belongs to its owner afterwards.
Result<service::Account> become_owner(ipc::Channel& front, const std::string& auth_socket)
{
    auto ticket = receive<service::Ticket>(front);
    if (!ticket)
        return ticket.error();
    auto account = service::redeem(auth_socket, ticket->ticket, "pop3");
    if (!account)
        return account;
    auto owner = daemon::find_user(account->owner);
    if (!owner)
        return owner.error();
    daemon::become(*owner);
    return account;
}

Result<std::unique_ptr<maildir::Mailbox>> open_mailbox(const service::Account& account)
{
    constexpr std::string_view prefix = "maildir:";
    if (!account.mail.starts_with(prefix))
        return failure(cat("mail location ", account.mail, " of ", account.user, " is no ", prefix, "PATH"));
    ::umask(077);
    return maildir::Mailbox::open(account.mail.substr(prefix.size()));
}

}  // namespace

void Handover::serve(Fd connection) const
{
    ipc::Channel front(std::move(connection));
    auto account = become_owner(front, auth_socket_);
    if (!account)
        daemon::become(stranger_);
    Fd descriptor;
    auto handed = receive<service::Session>(front, &descriptor);
    if (!handed || !descriptor)
        return log::warning("front: ", handed ? "a session came without its connection" : handed.error().text);
    net::Stream client(std::move(descriptor));
    client.unread(handed->pending);
    auto mailbox = account ? open_mailbox(*account) : Result<std::unique_ptr<maildir::Mailbox>>(account.error());
    if (!mailbox) {
        log::warning("user=<", handed->sasl_username, ">: ", mailbox.error().text);
        client.write("-ERR [SYS/TEMP] The mailbox cannot be opened now.\r\n");
        return client.flush(params_.write_timeout());
    }
    Session session(params_, std::move(client), *std::move(mailbox));
    auto end = session.run();
    const auto& done = session.totals();
    log::info("logout: user=<", account->user, ">, rip=", handed->client_address, ", ", reason(end), ", top=", done.topped,
              ", retr=", done.retrieved, ", del=", done.deleted, "/", done.messages, ", size=", done.octets);
}

}  // namespace mta::pop3d
