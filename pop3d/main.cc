#include "daemon/mailbox_session.h"
#include "log/log.h"
#include "pop3d/session.h"

namespace {

using namespace mta;
using pop3d::End;

std::string_view reason(End end)
{
    switch (end) {
    case End::quit: return "Logged out";
    case End::lost: return "Connection closed";
    case End::timeout: return "Disconnected for inactivity";
    case End::refused: return "Too many errors";
    case End::stopped: return "Server stopped";
    case End::unavailable: break;
    }
    return "Mailbox unavailable";
}

}  // namespace

// pop3d(8): POP3 sessions of clients that front has let in; see man/man8/pop3d.8.
int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "pop3d");
    const pop3d::Params params(process.config());
    auto serve = [&](daemon::MailboxSession& handed) {
        auto address = net::Address::parse(handed.client.client_address).value_or(net::Address());
        pop3d::Session session(params, std::move(handed.stream), std::move(handed.mailbox), address);
        auto end = session.run();
        const auto& done = session.totals();
        log::info("logout: user=<", handed.account.user, ">, rip=", handed.client.client_address, ", ", reason(end), ", top=", done.topped,
                  ", retr=", done.retrieved, ", del=", done.deleted, "/", done.messages, ", size=", done.octets);
        return Fd();
    };
    return daemon::serve_mailboxes(process, daemon::mailbox_rules(process), "pop3", "-ERR [SYS/TEMP] The mailbox cannot be opened now.\r\n", serve);
}
