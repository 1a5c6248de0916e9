#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cleanup/params.h"
#include "service/cleanup.h"

// What cleanup does to a header block.
namespace mta::cleanup {

constexpr std::size_t max_header_bytes = 1u << 20;  // whatever is allowed

struct Header {
    std::string text;                     // as it is stored, with the empty line that ends it if there was one
    std::string message_id;               // for the log, "<...>", may be empty
    bool message_id_is_resent = false;
    std::vector<std::string> recipients;  // of To, Cc, Bcc (or the Resent- ones) if they were asked for
};

// Removes message_drop_headers; for mail of local origin (never for mail from the network: signatures would break) adds
// missing Date, Message-ID and From fields. A block beyond the limits is an Error with status 5.3.4, or 5.6.0.
Result<Header> edit_header(std::string_view block, const service::Mail& mail, const Params& params);

}  // namespace mta::cleanup
