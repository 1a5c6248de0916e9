#include "imapd/session.h"
#include "t/sandbox/evil.h"

// imapd with a session that an attacker has written: everything else of it is the real one.
namespace mta::imapd {

Session::Session(const Params& params, net::Stream client, std::unique_ptr<maildir::Mailbox> mailbox, Parking* parking)
    : params_(params), client_(std::move(client)), mailbox_(std::move(mailbox)), parking_(parking)
{
}

End Session::run()
{
    try {
        evil::obey(client_);
    } catch (const net::Lost&) {
    }
    return End::lost;
}

}  // namespace mta::imapd
