#pragma once

#include "config/config.h"

namespace mta::qmgr {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::chrono::seconds> minimal_backoff_time{*this, "minimal_backoff_time", "300s",
        "The shortest time between attempts to deliver a mail, and how long a destination that cannot be reached is left alone."};
    config::Param<std::chrono::seconds> maximal_backoff_time{*this, "maximal_backoff_time", "4000s", "The longest time between attempts to deliver a mail."};
    config::Param<std::chrono::seconds> maximal_queue_lifetime{*this, "maximal_queue_lifetime", "5d", "After this time mail that could not be delivered goes back to its sender."};
    config::Param<std::chrono::seconds> bounce_queue_lifetime{*this, "bounce_queue_lifetime", "5d", "The same for mail with a null reverse-path."};
    config::Param<std::chrono::seconds> delay_warning_time{*this, "delay_warning_time", "0h", "After this time the sender is told that mail is still in the queue; 0 means never."};
    config::Param<long> qmgr_message_active_limit{*this, "qmgr_message_active_limit", "20000", "The most messages that are being delivered at a time."};
    config::Param<long> qmgr_message_recipient_limit{*this, "qmgr_message_recipient_limit", "100000",
        "The number of their recipients from which on no more messages are taken; of one message half of it counts at most. Postfix: 20000."};
    config::Param<long> default_destination_concurrency_limit{*this, "default_destination_concurrency_limit", "20",
        "The most parallel deliveries to one destination; <transport>_destination_concurrency_limit sets it for one transport."};
    config::Param<long> default_destination_recipient_limit{*this, "default_destination_recipient_limit", "50",
        "The most recipients of one delivery; <transport>_destination_recipient_limit sets it for one transport."};
    config::Param<long> initial_destination_concurrency{*this, "initial_destination_concurrency", "5",
        "The parallel deliveries to a destination to begin with; <transport>_initial_destination_concurrency sets it for one transport."};
    config::Param<long> default_destination_concurrency_failed_cohort_limit{*this, "default_destination_concurrency_failed_cohort_limit", "1",
        "How many times as many failures to reach a destination as there are parallel deliveries suspend it; 0 means never. "
        "<transport>_destination_concurrency_failed_cohort_limit sets it for one transport."};
    config::Param<std::chrono::seconds> default_destination_rate_delay{*this, "default_destination_rate_delay", "0s",
        "The pause between deliveries to one destination, which then happen one at a time; <transport>_destination_rate_delay sets it for one transport."};
    config::Param<long> local_destination_concurrency_limit{*this, "local_destination_concurrency_limit", "2", "The most parallel deliveries to one local destination."};
    config::Param<long> local_destination_recipient_limit{*this, "local_destination_recipient_limit", "1", "The most recipients of one local delivery."};
    config::Param<std::chrono::seconds> transport_retry_time{*this, "transport_retry_time", "60s", "How long a transport whose agents cannot be reached is left alone."};
    config::Param<std::chrono::seconds> daemon_timeout{*this, "daemon_timeout", "18000s",
        "How long a delivery agent may go on with one delivery without any progress: a recipient's result, a piece of the message sent, "
        "a command that runs. Then it ends, or qmgr gives it up, and its mail is tried again later."};
    config::Param<std::vector<std::string>> authorized_flush_users{*this, "authorized_flush_users", "static:anyone",
        "The local users who may flush the queue with postqueue(1): names, !names, and tables of names."};
    config::Param<std::vector<std::string>> defer_transports{*this, "defer_transports", "", "Transports whose mail is kept in the queue until it is flushed."};
    config::Param<long> default_process_limit{*this, "default_process_limit", "100", "The most processes of a service whose maxproc in master.cf is '-'."};
};

}  // namespace mta::qmgr
