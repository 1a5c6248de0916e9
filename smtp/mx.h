#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "service/dns.h"
#include "smtp/destination.h"
#include "smtp/params.h"

namespace mta::smtpc {

// One address of one server.
struct Host {
    std::string name;
    net::Endpoint endpoint;
    std::string path;          // of a Unix socket, else empty
    long preference = 0;
    bool is_best = false;      // no server of the destination is preferred to it
    std::string domain{};      // the destination that it serves

    std::string text() const;            // "mx.example[192.0.2.1]"
    std::string text_with_port() const;  // "mx.example[192.0.2.1]:25"
};

// What this host is called and may be reached at.
struct Self {
    std::string hostname;
    std::vector<net::Address> addresses;

    // The addresses in inet_interfaces ("all": of all network interfaces) and proxy_interfaces.
    static Self of_this_host(const std::string& hostname, const std::vector<std::string>& inet_interfaces,
                             const std::vector<std::string>& proxy_interfaces);
    bool is(const Host& host) const;
};

struct FinderOptions {
    bool use_ipv4 = true, use_ipv6 = true;
    // An Error names the bad value of smtp_address_preference or inet_protocols.
    static Result<FinderOptions> of(const Params& params, const std::vector<std::string>& inet_protocols);
};

// Finds the servers of a destination, in the order in which they are to be tried (RFC 5321 section 5.1).
class Finder {
public:
    Finder(const Params& params, FinderOptions options, Self self, service::Dns& dns);

    // At least one host. An Error says why there is none: temporarily, or for ever (no such domain, null MX, a loop).
    Result<std::vector<Host>> find(const Destination& destination);

private:
    using Hosts = std::vector<Host>;
    struct Name {
        std::string name;
        long preference;
    };
    Result<Hosts> find_mx(const Destination& destination);
    Result<Hosts> find_addresses(const std::vector<Name>& names, std::uint16_t port);
    Result<Hosts> without_self(Hosts hosts, const Destination& destination) const;
    Hosts in_order(Hosts hosts);
    Hosts limited(Hosts hosts) const;

    const Params& params_;
    FinderOptions options_;
    Self self_;
    service::Dns& dns_;
    std::optional<std::mt19937> random_;  // seeded in the worker: not all forks alike
};

}  // namespace mta::smtpc
