#pragma once

#include "config/config.h"

namespace mta::pickup {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::vector<std::string>> authorized_submit_users{*this, "authorized_submit_users", "static:anyone",
        "The local users who may send mail with sendmail(1): names, !names, and tables of names."};
    config::Param<std::string> myorigin{*this, "myorigin", "$myhostname", "The domain that is added to addresses without one."};
    config::Param<std::string> myhostname{*this, "myhostname", "", "The full name of this host; by default what gethostname(2) says."};
    config::Param<std::string> mail_name{*this, "mail_name", "Buuta", "The name of the mail system, in greetings and Received: header fields."};
    config::Param<long> message_size_limit{*this, "message_size_limit", "52428800", "The largest message in bytes; 0 means no limit. Postfix: 10240000."};
};

}  // namespace mta::pickup
