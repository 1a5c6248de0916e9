#pragma once

#include <map>
#include <memory>
#include <string>

#include "t/lib/command.h"

namespace mta::test {

// nsd on 127.0.0.1 with the given zones: name -> lines of a zone file, to which SOA and NS are added. A zone whose text is "broken"
// is answered with SERVFAIL.
class Dns {
public:
    explicit Dns(const std::map<std::string, std::string>& zones);
    int port() const { return port_; }

private:
    TemporaryDirectory directory_;
    int port_;
    std::unique_ptr<Background> server_;
};

// The one that all suites use unless they bring their own: reverse names of 127.0.0.0/8, and the domains of the relay tests.
const Dns& common_dns();

}  // namespace mta::test
