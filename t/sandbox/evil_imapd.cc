#include "imapd/session.h"
#include "t/sandbox/evil.h"

// imapd with a session that an attacker has written: everything else of it is the real one.
namespace mta::imapd {

Session::Session(const Params& params, net::Stream client, std::unique_ptr<maildir::Mailbox> mailbox, Parking* parking,
                 const net::Address& address)
    : params_(params), client_(std::move(client)), mailbox_(std::move(mailbox)), parking_(parking), address_(address),
      budget_(params.memory.limit().number()), command_(budget_)
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
