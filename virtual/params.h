#pragma once

#include "config/common.h"

namespace mta::virtual_delivery {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::string> virtual_mailbox_maps{*this, "virtual_mailbox_maps", "",
        "Tables of the addresses in virtual_mailbox_domains, with the mailbox below virtual_mailbox_base: a maildir ends in '/'. Empty: every address exists."};
    config::Param<std::string> virtual_mailbox_base{*this, "virtual_mailbox_base", "",
        "The directory in front of what virtual_mailbox_maps says; empty: that is a whole path."};
    config::Param<long> virtual_mailbox_limit{*this, "virtual_mailbox_limit", "51200000",
        "The largest message in bytes that a virtual mailbox takes; 0 means no limit."};
    config::Param<std::string> virtual_uid_maps{*this, "virtual_uid_maps", "", "Tables with the user ID that owns an address's mailbox."};
    config::Param<std::string> virtual_gid_maps{*this, "virtual_gid_maps", "", "Tables with the group ID of an address's mailbox."};
    config::Param<long> virtual_minimum_uid{*this, "virtual_minimum_uid", "100", "The smallest user ID that virtual_uid_maps may give."};
    config::Param<std::string> myhostname{*this, "myhostname", "", "The full name of this host; by default what gethostname(2) says."};
};

}  // namespace mta::virtual_delivery
