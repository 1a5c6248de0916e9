#pragma once

#include <string>
#include <vector>

#include "mail/address.h"
#include "mail/dsn.h"

namespace mta::mail {

struct Recipient {
    Address address;          // whereto
    Address original;         // as the client gave it, before aliases
    std::string orcpt;        // ORCPT as it stood in the command; empty if not given
    std::string notify;       // NOTIFY, in upper case; empty if not given
};

// A mail without its message.
struct Envelope {
    Address reverse_path;
    std::vector<Recipient> recipients;
    std::string body;         // "7BIT", "8BITMIME" or empty
    std::string envid;        // ENVID as it stood in the command; empty if not given
    Ret ret = Ret::unspecified;
    long announced_bytes = 0; // SIZE=; 0 if not given
};

}  // namespace mta::mail
