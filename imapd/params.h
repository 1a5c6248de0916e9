#pragma once

#include "config/config.h"
#include "config/limit.h"
#include "mime/params.h"
#include "service/session_params.h"

namespace mta::imapd {

struct Params : config::Group {
    using Group::Group;
    service::ImapSessionParams session{config()};
    service::UserMemoryParams memory{config()};
    config::Param<std::chrono::seconds> command_timeout{*this, "imapd_command_timeout", "300s",
        "How long a client may take for the rest of a command, and for taking what it has asked for."};
    config::Param<std::chrono::milliseconds> worker_idle_time{*this, "imapd_worker_idle_time", "1s",
        "How long a client may be silent, or in IDLE, before its worker process takes another client."};
    config::Param<long> command_size_limit{*this, "imapd_command_size_limit", "1048576",
        "The largest command in bytes, with its literals, but without the messages of APPEND."};
    config::Param<config::Limit> line_length_limit{*this, "imapd_line_length_limit", "65536",
        "The longest line of a command in bytes: what is longer must be sent as a literal."};
    config::Param<config::Limit> literal_count_limit{*this, "imapd_literal_count_limit", "1000", "The most literals of a command."};
    config::Param<config::Limit> field_address_limit{*this, "imapd_field_address_limit", "1000",
        "The most addresses of a header field that ENVELOPE and BODYSTRUCTURE show; those behind them are left out."};
    config::Param<config::Limit> message_address_limit{*this, "imapd_message_address_limit", "2000",
        "The most addresses of all header fields of a message that ENVELOPE and BODYSTRUCTURE show."};
    config::Param<long> error_limit{*this, "imapd_error_limit", "20",
        "The number of commands without sense in a row after which a client is disconnected."};
    config::Param<std::string> mail_name{*this, "mail_name", "Buuta", "The name of the mail system, in greetings and Received: header fields."};
    config::Param<long> message_size_limit{*this, "message_size_limit", "52428800", "The largest message in bytes; 0 means no limit. Postfix: 10240000."};
    mime::Params mime{config()};

    mime::Limits mime_limits() const
    {
        auto limits = mime.limits();
        limits.addresses = field_address_limit().number();
        limits.addresses_of_message = message_address_limit().number();
        return limits;
    }
};

}  // namespace mta::imapd
