#include "daemon/mailbox_session.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/params.h"
#include "daemon/wait.h"
#include "log/log.h"
#include "maildir/root.h"

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

struct Identity {
    service::Account account;
    std::string return_ticket;
};

// Whose session it is, by the first message; read while we may still become anybody.
Result<Identity> identify(ipc::Channel& front, const TakeOver& how)
{
    auto ticket = receive<service::Ticket>(front);
    if (!ticket)
        return ticket.error();
    bool is_return = service::ReturnSecret::is_return_ticket(ticket->ticket);
    if (is_return && how.secret == nullptr)
        return failure("a session came back, but nothing says whose it is");
    auto account = is_return ? how.secret->redeem(ticket->ticket, how.protocol) : service::redeem(how.auth_socket, ticket->ticket, how.protocol);
    if (!account)
        return account.error();
    auto return_ticket = how.secret != nullptr ? how.secret->ticket(*account, how.protocol) : std::string();
    return Identity{*std::move(account), std::move(return_ticket)};
}

// The process belongs to the mailbox's owner afterwards, and cannot tell accounts any more.
Result<Identity> become_owner(ipc::Channel& front, const TakeOver& how)
{
    bool is_root = ::geteuid() == 0;
    auto identity = identify(front, how);
    if (how.secret != nullptr && is_root)
        how.secret->wipe();
    if (!identity)
        return identity;
    auto owner = find_user(identity->account.owner);
    if (!owner)
        return owner.error();
    if (owner->uid == 0 && is_root)
        return failure("mailboxes of root are not served");
    become(*owner);
    return identity;
}

Result<std::unique_ptr<maildir::Mailbox>> open_mailbox(const service::Account& account, const TakeOver& how)
{
    constexpr std::string_view prefix = "maildir:";
    if (!account.mail.starts_with(prefix))
        return failure(cat("mail location ", account.mail, " of ", account.user, " is no ", prefix, "PATH"));
    ::umask(077);
    auto path = account.mail.substr(prefix.size());
    if (!exists(path))
        if (auto made = maildir::make_maildir(path); !made)
            return made.error();
    how.seal({path});
    return maildir::Mailbox::open(path);
}

}  // namespace

std::optional<MailboxSession> take_over(ipc::Channel& front, const TakeOver& how)
{
    auto identity = become_owner(front, how);
    if (!identity) {
        become(how.stranger);
        how.seal({});
    }
    Fd descriptor;
    auto client = receive<service::Session>(front, &descriptor);
    if (!client || !descriptor) {
        log::warning("front: ", client ? "a session came without its connection" : client.error().text);
        return std::nullopt;
    }
    net::Stream stream(std::move(descriptor));
    stream.set_waiter(wait_for_client);
    stream.unread(client->pending);
    client->pending.clear();
    auto mailbox = identity ? open_mailbox(identity->account, how) : Result<std::unique_ptr<maildir::Mailbox>>(identity.error());
    if (mailbox)
        return MailboxSession{*std::move(client), std::move(identity->account), std::move(stream), *std::move(mailbox), std::move(identity->return_ticket)};
    log::warning("user=<", client->sasl_username, ">: ", mailbox.error().text);
    if (service::ReturnSecret::is_return_ticket(client->ticket))
        log::info("logout: user=<", client->sasl_username, ">, rip=", client->client_address, ", Mailbox unavailable");
    stream.write(how.unavailable);
    stream.flush(farewell_limit);
    return std::nullopt;
}

// A root directory is made once, for a parent and all its workers: it has what any of them may need.
sandbox::Rules mailbox_rules(const Process& process)
{
    using sandbox::Calls;
    using sandbox::Path;
    const MailboxParams params(process.config());
    sandbox::Rules rules;
    rules.add({Calls::read_files, Calls::write_files});
    rules.add(Path::Use::read, "/proc/sys/kernel/random/boot_id");  // tells what a crash has left from what goes on
    rules.add(Path::Use::see, process.socket_path("auth"));
    rules.has_root = params.mailbox_directories().empty();
    for (const auto& directory : params.mailbox_directories()) {
        if (!directory.starts_with('/'))
            log::fatal("mailbox_directories: ", directory, " does not begin with /");
        rules.add(Path::Use::see, directory);
    }
    return rules;
}

int serve_mailboxes(Process& process, const sandbox::Rules& rules, const std::string& protocol, const std::string& unavailable,
                    const MailboxHandler& handler, service::ReturnSecret* secret)
{
    bool is_root = ::geteuid() == 0;
    auto stranger = is_root ? find_user(process.common().mail_owner()) : Result<User>(User());
    if (!stranger)
        log::fatal("mail_owner: ", stranger.error().text);
    process.end_trial();
    const auto test_owner = find_user(process.confinement().test_owner());
    process.keep_root(rules);
    const TakeOver how{process.socket_path("auth"), protocol, unavailable, *stranger, secret,
                       [&](const std::vector<std::string>& directories) { process.seal(directories); }};
    auto serve = [&](Fd connection) {
        ipc::Channel front(std::move(connection));
        auto session = take_over(front, how);
        auto client = session ? handler(*session) : Fd();
        if (!client)
            return;
        session->client.ticket = session->return_ticket;
        session->client.state = "idle";
        auto back = ipc::pack(session->client);
        if (!session->client.has_tls())
            back.fd = std::move(client);
        front.send(back, handover_limit);
    };
    // Who has become a mailbox's owner cannot become another one, nor leave its directory.
    Process::Workers workers{.max_use = 1, .spare = 1};
    workers.rehearse = [&] {
        if (test_owner)
            become(*test_owner);
        process.seal({process.confinement().test_directory()});
    };
    return process.serve(serve, workers);
}

}  // namespace mta::daemon
