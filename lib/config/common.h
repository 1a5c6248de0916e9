#pragma once

#include "config/config.h"

namespace mta::config {

// What every program reads, and what other values refer to as $name.
struct Common : Group {
    using Group::Group;
    Param<std::string> mail_name{*this, "mail_name", "Buuta", "The name of the mail system, in greetings and Received: header fields."};
    Param<std::string> mail_version{*this, "mail_version", "0.1", "The version of the mail system."};
    Param<std::string> compatibility_level{*this, "compatibility_level", "3.11", "The Postfix release whose defaults are meant; compared by <=level and the like."};
    Param<std::string> process_name{*this, "process_name", "", "The name of the running program; set by each program."};
    Param<std::string> service_name{*this, "service_name", "", "The name of the master.cf service; set by each daemon."};
    Param<std::string> config_directory{*this, "config_directory", "/etc/buuta", "Where main.cf, master.cf and tables are."};
    Param<std::string> queue_directory{*this, "queue_directory", "/var/spool/buuta", "The queue, and the sockets of the services."};
    Param<std::string> data_directory{*this, "data_directory", "/var/lib/buuta", "Lock file and caches, owned by mail_owner."};
    Param<std::string> daemon_directory{*this, "daemon_directory", "/usr/lib/buuta/sbin", "Where the daemons are."};
    Param<std::string> command_directory{*this, "command_directory", "/usr/sbin", "Where the commands are."};
    Param<std::string> mail_owner{*this, "mail_owner", "buuta", "The user that owns the queue and most daemons."};
    Param<std::string> myhostname{*this, "myhostname", "", "The full name of this host; by default what gethostname(2) says."};
    Param<std::string> mydomain{*this, "mydomain", "", "The domain of this host; by default $myhostname without its first part."};
    Param<std::string> myorigin{*this, "myorigin", "$myhostname", "The domain that is added to addresses without one."};
    Param<std::vector<std::string>> mydestination{*this, "mydestination", "$myhostname, localhost.$mydomain, localhost", "The domains that are delivered to local users."};
    Param<std::vector<std::string>> mynetworks{*this, "mynetworks", "127.0.0.0/8 [::1]/128", "The clients that may relay through this host."};
    Param<std::vector<std::string>> inet_interfaces{*this, "inet_interfaces", "all", "The addresses that inet services listen on: all, loopback-only, or addresses."};
    Param<std::vector<std::string>> inet_protocols{*this, "inet_protocols", "all", "The protocols in use: all, ipv4, ipv6."};
    Param<std::string> recipient_delimiter{*this, "recipient_delimiter", "", "The characters that separate a user name from its extension."};
    Param<std::string> default_database_type{*this, "default_database_type", "hash", "The table type of postmap, postalias and newaliases where none is given."};
    Param<std::string> syslog_name{*this, "syslog_name", "postfix", "The first part of the tag of log lines; 'postfix' is what log tools look for."};
    Param<std::string> syslog_facility{*this, "syslog_facility", "mail", "The syslog facility."};
    Param<std::string> maillog_file{*this, "maillog_file", "", "A file, or /dev/stdout, to log to instead of syslog."};
    Param<std::vector<std::string>> debug_peer_list{*this, "debug_peer_list", "", "Peers (addresses or names) whose sessions are logged in detail."};
    Param<long> default_process_limit{*this, "default_process_limit", "100", "The most processes of a service whose maxproc in master.cf is '-'."};
    Param<long> max_use{*this, "max_use", "100", "The number of sessions or requests after which a worker process is replaced."};
    Param<std::chrono::seconds> max_idle{*this, "max_idle", "100s", "How long an idle worker process stays."};
    Param<std::chrono::seconds> ipc_timeout{*this, "ipc_timeout", "3600s", "How long to wait for a reply of another daemon."};
    Param<std::chrono::seconds> service_throttle_time{*this, "service_throttle_time", "60s", "The longest delay before a daemon that failed at start is started again."};
    Param<long> message_size_limit{*this, "message_size_limit", "52428800", "The largest message in bytes; 0 means no limit. Postfix: 10240000."};
    Param<long> line_length_limit{*this, "line_length_limit", "2048", "The longest command line in bytes."};
    Param<long> queue_minfree{*this, "queue_minfree", "0", "The free bytes that the queue's file system must keep; two largest messages, 2 % of it and 1 % of its inodes must be free anyway."};
    Param<bool> enable_long_queue_ids{*this, "enable_long_queue_ids", "yes", "Accepted for compatibility: queue IDs are always long."};
};

}  // namespace mta::config
