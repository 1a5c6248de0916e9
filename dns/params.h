#pragma once

#include "config/config.h"
#include "config/limit.h"

namespace mta::dnsd {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::vector<std::string>> resolvers{*this, "dns_resolvers", "",
        "The DNS servers to ask, as address, address:port or [address]:port; empty: the nameserver lines of /etc/resolv.conf."};
    config::Param<std::chrono::milliseconds> try_timeout{*this, "dns_try_timeout", "5s",
        "How long to wait for the reply of one DNS server before the next one is asked."};
    config::Param<std::chrono::milliseconds> timeout{*this, "dns_timeout", "30s",
        "How long one DNS look-up may take with all its tries."};
    config::Param<long> cache_size{*this, "dns_cache_size", "16777216", "The most memory in bytes for remembered DNS answers."};
    config::Param<long> query_limit{*this, "dns_query_limit", "500", "The most DNS queries on the wire at once; more wait their turn."};
    config::Param<config::Limit> record_limit{*this, "dns_record_limit", "64",
        "The most records of a DNS answer that are used, of mail hosts the best; others are passed over."};
    config::Param<bool> trust_ad{*this, "dns_trust_ad", "no",
        "Believe the AD bit (validated by DNSSEC) of every server; that of servers on a loopback address is always believed."};
};

}  // namespace mta::dnsd
