#pragma once

#include "config/common.h"
#include "config/limit.h"

namespace mta::local {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::string> alias_maps{*this, "alias_maps", "$default_database_type:/etc/aliases", "Tables of the aliases of local delivery, see aliases(5)."};
    config::Param<std::string> default_privs{*this, "default_privs", "nobody", "The user that commands and files in aliases are used as."};
    config::Param<std::string> home_mailbox{*this, "home_mailbox", "Maildir/", "The maildir below a user's home directory; it must end in '/'."};
    config::Param<std::string> mailbox_command{*this, "mailbox_command", "", "A command that takes the mail of users instead of their mailbox; run by the shell as the user."};
    config::Param<std::vector<std::string>> allow_mail_to_commands{*this, "allow_mail_to_commands", "alias, forward", "Where |command is allowed: alias, forward, include."};
    config::Param<std::vector<std::string>> allow_mail_to_files{*this, "allow_mail_to_files", "alias, forward", "Where /file is allowed: alias, forward, include."};
    config::Param<config::Limit> alias_expansion_limit{*this, "local_alias_expansion_limit", "10000",
        "The most addresses, files and commands that an alias or .forward file may become."};
    config::Param<config::Limit> alias_recursion_limit{*this, "local_alias_recursion_limit", "20", "How deep include files of include files may go."};
    config::Param<std::chrono::seconds> command_time_limit{*this, "command_time_limit", "1000s", "How long a command may run."};
    config::Param<long> command_process_limit{*this, "command_process_limit", "1000",
        "The number of processes of a command's user at which the command can start no more of them."};
    config::Param<std::vector<std::string>> export_environment{*this, "export_environment", "TZ MAIL_CONFIG LANG", "What commands see of our environment: names, or name=value."};
    config::Param<std::string> myhostname{*this, "myhostname", "", "The full name of this host; by default what gethostname(2) says."};
    config::Param<std::string> myorigin{*this, "myorigin", "$myhostname", "The domain that is added to addresses without one."};
    config::Param<std::vector<std::string>> mydestination{*this, "mydestination", "$myhostname, localhost.$mydomain, localhost", "The domains that are delivered to local users."};
};

}  // namespace mta::local
