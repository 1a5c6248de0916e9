#include "smtpd/session.h"
#include "t/sandbox/evil.h"

// smtpd with a session that an attacker has written: everything else of it is the real one.
namespace mta::smtpd {

Session::Session(const Environment& environment, service::Session facts, Fd client)
    : environment_(environment), params_(environment.params), client_{std::move(facts), "", false}, stream_(std::move(client)),
      counters_(client_.facts.counters)
{
}

bool Session::run()
{
    try {
        stream_.write("250 taken over\r\n");
        stream_.flush(net::Seconds(60));
        evil::obey(stream_);
    } catch (const net::Lost&) {
    }
    return false;
}

}  // namespace mta::smtpd
