#include "daemon/mailbox_session.h"

#include <sys/stat.h>
#include <unistd.h>

#include "log/log.h"

namespace mta::daemon {

namespace {

using namespace std::chrono_literals;

constexpr auto handover_limit = 30s, farewell_limit = 10s;

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
Result<service::Account> become_owner(ipc::Channel& front, const std::string& auth_socket, const std::string& protocol)
{
    auto ticket = receive<service::Ticket>(front);
    if (!ticket)
        return ticket.error();
    auto account = service::redeem(auth_socket, ticket->ticket, protocol);
    if (!account)
        return account;
    auto owner = find_user(account->owner);
    if (!owner)
        return owner.error();
    if (owner->uid == 0 && ::geteuid() == 0)
        return failure("mailboxes of root are not served");
    become(*owner);
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

std::optional<MailboxSession> take_over(ipc::Channel& front, const TakeOver& how)
{
    auto account = become_owner(front, how.auth_socket, how.protocol);
    if (!account)
        become(how.stranger);
    Fd descriptor;
    auto client = receive<service::Session>(front, &descriptor);
    if (!client || !descriptor) {
        log::warning("front: ", client ? "a session came without its connection" : client.error().text);
        return std::nullopt;
    }
    net::Stream stream(std::move(descriptor));
    stream.unread(client->pending);
    auto mailbox = account ? open_mailbox(*account) : Result<std::unique_ptr<maildir::Mailbox>>(account.error());
    if (mailbox)
        return MailboxSession{*std::move(client), *std::move(account), std::move(stream), *std::move(mailbox)};
    log::warning("user=<", client->sasl_username, ">: ", mailbox.error().text);
    stream.write(how.unavailable);
    stream.flush(farewell_limit);
    return std::nullopt;
}

int serve_mailboxes(Process& process, const std::string& protocol, const std::string& unavailable,
                    const std::function<void(MailboxSession session)>& handler)
{
    bool is_root = ::geteuid() == 0;
    auto stranger = is_root ? find_user(process.common().mail_owner()) : Result<User>(User());
    if (!stranger)
        log::fatal("mail_owner: ", stranger.error().text);
    const TakeOver how{process.socket_path("auth"), protocol, unavailable, *stranger};
    auto serve = [&](Fd connection) {
        ipc::Channel front(std::move(connection));
        if (auto session = take_over(front, how))
            handler(*std::move(session));
    };
    // Who has become a mailbox's owner cannot become another one.
    Process::Workers workers{.max_use = is_root ? 1 : 0, .spare = 1};
    return process.serve(serve, workers);
}

}  // namespace mta::daemon
