#include "daemon/mailbox_session.h"
#include "imapd/session.h"
#include "log/log.h"
#include "mime/charset.h"

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
    case End::mailbox_gone: break;
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
    auto serve = [&](daemon::MailboxSession& session) {
        auto end = imapd::Session(params, std::move(session.stream), std::move(session.mailbox)).run();
        log::info("logout: user=<", session.account.user, ">, rip=", session.client.client_address, ", ", reason(end));
        return Fd();
    };
    return daemon::serve_mailboxes(process, "imap", "* BYE [UNAVAILABLE] The mailbox cannot be opened now\r\n", serve);
}
