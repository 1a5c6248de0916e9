#include <optional>

#include "daemon/mailbox_session.h"
#include "imapd/session.h"
#include "log/log.h"
#include "mime/charset.h"
#include "service/notify.h"

namespace {

using namespace mta;
using imapd::End;

std::string_view reason(End end)
{
    switch (end) {
    case End::logout: return "Logged out";
    case End::lost: return "Connection closed";
    case End::timeout: return "Disconnected for inactivity";
    case End::refused: return "Too many errors";
    case End::stopped: return "Server stopped";
    case End::mailbox_gone:
    case End::parked: break;
    }
    return "Selected mailbox is gone";
}

}  // namespace

// imapd(8): IMAP sessions of clients that front has let in; see man/man8/imapd.8.
int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "imapd");
    const imapd::Params params(process.config());
    mime::preload_charsets();
    process.end_trial();
    auto loaded = service::Secret::load(service::return_secret_path(process.common().queue_directory));
    if (!loaded)
        log::warning("sessions that are idle keep their processes: ", loaded.error().text);
    std::optional<service::ReturnSecret> secret;
    if (loaded)
        secret.emplace(*std::move(loaded));
    auto notify_socket = process.socket_path(service::notify_service, true);
    auto rules = daemon::mailbox_rules(process);
    rules.add({sandbox::Calls::watch_files}).socket(notify_socket);
    auto serve = [&](daemon::MailboxSession& handed) {
        imapd::Parking parking{handed.client, notify_socket};
        imapd::Session session(params, std::move(handed.stream), std::move(handed.mailbox), handed.return_ticket.empty() ? nullptr : &parking,
                               net::Address::parse(handed.client.client_address).value_or(net::Address()));
        auto end = session.run();
        if (end == End::parked)
            return session.release_client();
        log::info("logout: user=<", handed.account.user, ">, rip=", handed.client.client_address, ", ", reason(end));
        return Fd();
    };
    return daemon::serve_mailboxes(process, rules, "imap", "* BYE [UNAVAILABLE] The mailbox cannot be opened now\r\n", serve, secret ? &*secret : nullptr);
}
