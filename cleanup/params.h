#pragma once

#include "config/config.h"
#include "config/limit.h"

namespace mta::cleanup {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::string> virtual_alias_maps{*this, "virtual_alias_maps", "$virtual_maps",
        "Tables that replace recipients, of any domain, by one or more other addresses."};
    config::Param<std::string> myorigin{*this, "myorigin", "$myhostname", "The domain that is added to addresses without one."};
    config::Param<std::string> myhostname{*this, "myhostname", "", "The full name of this host; by default what gethostname(2) says."};
    config::Param<long> message_size_limit{*this, "message_size_limit", "52428800", "The largest message in bytes; 0 means no limit. Postfix: 10240000."};
    config::Param<long> header_size_limit{*this, "header_size_limit", "65536",
        "The largest header field in bytes; a message with a larger one is refused. Postfix: 102400, and it cuts."};
    config::Param<config::Limit> header_block_size_limit{*this, "header_block_size_limit", "524288",
        "The largest header of a message in bytes, all fields together; none: 1048576."};
    config::Param<config::Limit> header_field_count_limit{*this, "header_field_count_limit", "1000", "The most header fields of a message."};
    config::Param<config::Limit> message_line_length_limit{*this, "message_line_length_limit", "1048576", "The longest line of a message in bytes."};
    config::Param<std::vector<std::string>> message_drop_headers{*this, "message_drop_headers", "bcc, content-length, resent-bcc, return-path",
        "Names of header fields that are removed from every message."};
    config::Param<std::string> undisclosed_recipients_header{*this, "undisclosed_recipients_header", "",
        "A header field that is added to locally submitted mail without To, Cc and Bcc; empty adds none."};
    config::Param<long> duplicate_filter_limit{*this, "duplicate_filter_limit", "1000",
        "The number of recipients of a message among which duplicates are removed."};
};

}  // namespace mta::cleanup
