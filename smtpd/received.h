#pragma once

#include <cstdint>
#include <string>

#include "smtpd/client.h"

namespace mta::smtpd {

// RFC 5321 section 4.4: the trace field of a message, with the line ends of our queue.
struct Trace {
    const Client& client;
    std::string by, mail_name;    // myhostname and mail_name
    std::string queue_id;
    std::string recipient;        // external form, if there is exactly one; else empty
    std::int64_t time = 0;        // seconds since 1970
    bool with_tls = false, with_user = false;  // smtpd_tls_received_header, smtpd_sasl_authenticated_header
};
std::string received_field(const Trace& trace);

// What stands in comments and words of header fields without quoting: the rest becomes '?'.
std::string neuter(std::string_view text);

}  // namespace mta::smtpd
