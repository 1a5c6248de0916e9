#pragma once

#include <functional>
#include <string>

#include "net/address.h"
#include "service/dns.h"

namespace mta::front {

// The host name of a client: the PTR record's name, if that name has the client's address again.
class PeerNames {
public:
    // name: verified, or "unknown"; reverse_name: what the PTR record says, or "unknown".
    using Done = std::function<void(const std::string& name, const std::string& reverse_name)>;
    PeerNames(event::Loop& loop, std::string dns_socket) : dns_(loop, std::move(dns_socket), std::chrono::seconds(10)) {}

    // Calls done later, once.
    void find(const net::Address& address, Done done);

private:
    void verify(const net::Address& address, const std::string& name, const Done& done);

    service::AsyncDns dns_;
};

}  // namespace mta::front
