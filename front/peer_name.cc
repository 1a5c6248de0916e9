#include "front/peer_name.h"

#include <algorithm>

#include "base/text.h"
#include "log/log.h"

namespace mta::front {

void PeerNames::find(const net::Address& address, Done done)
{
    dns_.lookup(address.reverse_name(), dns::Type::ptr, [this, address, done](const dns::Answer& answer) {
        auto names = answer.all<dns::Name>();
        if (names.empty())
            return done("unknown", "unknown");
        verify(address, names.front().name, done);
    });
}

void PeerNames::verify(const net::Address& address, const std::string& name, const Done& done)
{
    auto type = address.is_v6() ? dns::Type::aaaa : dns::Type::a;
    dns_.lookup(name, type, [address, name, done](const dns::Answer& answer) {
        auto addresses = answer.all<net::Address>();
        if (std::find(addresses.begin(), addresses.end(), address) != addresses.end())
            return done(name, name);
        auto reason = answer.is_found() ? "" : answer.is_temporary() ? ": " + answer.reason : ": Name or service not known";
        log::warning("hostname ", name, " does not resolve to address ", address.text(), reason);
        done("unknown", name);
    });
}

}  // namespace mta::front
