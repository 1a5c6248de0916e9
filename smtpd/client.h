#pragma once

#include <string>

#include "service/session.h"

namespace mta::smtpd {

// The client of a session.
struct Client {
    service::Session facts;
    std::string peer;                  // "name[192.0.2.1]", for the log
    bool is_out_of_step = false;       // it has sent on where it had to wait for a reply

    // "ESMTPSA" (RFC 3848) without the letters for TLS and AUTH: "SMTP" or "ESMTP", as the log has it.
    std::string protocol() const { return facts.esmtp ? "ESMTP" : "SMTP"; }
    std::string protocol_with_suffix() const
    {
        return protocol() + (facts.has_tls() && facts.esmtp ? "S" : "") + (facts.is_authenticated() && facts.esmtp ? "A" : "");
    }
};

}  // namespace mta::smtpd
