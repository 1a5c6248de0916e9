#pragma once

#include "config/config.h"

namespace mta::bounce {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::string> myhostname{*this, "myhostname", "", "The full name of this host; by default what gethostname(2) says."};
    config::Param<std::string> myorigin{*this, "myorigin", "$myhostname", "The domain that is added to addresses without one."};
    config::Param<std::string> mail_name{*this, "mail_name", "Buuta", "The name of the mail system, in greetings and Received: header fields."};
    config::Param<long> bounce_size_limit{*this, "bounce_size_limit", "50000",
        "The most bytes of an undeliverable message that go back with a notification; of a larger one only the header."};
    config::Param<std::string> double_bounce_sender{*this, "double_bounce_sender", "double-bounce",
        "The reverse-path of notifications about notifications that could not be delivered."};
    config::Param<std::vector<std::string>> notify_classes{*this, "notify_classes", "resource, software, 2bounce",
        "What postmaster is told of; with 2bounce: notifications that could not be delivered."};
    config::Param<std::string> twobounce_notice_recipient{*this, "2bounce_notice_recipient", "postmaster",
        "Who gets notifications that could not be delivered to the sender of the message."};
    config::Param<std::string> error_notice_recipient{*this, "error_notice_recipient", "postmaster",
        "Who is told of damaged queue files, if notify_classes has 'software'."};
    config::Param<std::chrono::seconds> maximal_queue_lifetime{*this, "maximal_queue_lifetime", "5d",
        "After this time mail that could not be delivered goes back to its sender."};
};

}  // namespace mta::bounce
