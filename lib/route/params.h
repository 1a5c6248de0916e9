#pragma once

#include "config/common.h"

namespace mta::route {

struct Params : config::Group {
    using Group::Group;
    config::Param<std::vector<std::string>> virtual_alias_domains{*this, "virtual_alias_domains", "$virtual_alias_maps",
        "The domains whose addresses are all virtual aliases."};
    config::Param<std::string> virtual_alias_maps{*this, "virtual_alias_maps", "$virtual_maps",
        "Tables that replace recipients, of any domain, by one or more other addresses."};
    config::Param<long> virtual_alias_expansion_limit{*this, "virtual_alias_expansion_limit", "10000",
        "The most addresses that one recipient may become by virtual aliases. Postfix: 1000."};
    config::Param<long> virtual_alias_recursion_limit{*this, "virtual_alias_recursion_limit", "20",
        "How deep virtual aliases of virtual aliases may go. Postfix: 1000."};
    config::Param<std::vector<std::string>> virtual_mailbox_domains{*this, "virtual_mailbox_domains", "$virtual_mailbox_maps",
        "The domains whose addresses are mailboxes that need no system user."};
    config::Param<std::string> virtual_mailbox_maps{*this, "virtual_mailbox_maps", "",
        "Tables of the addresses in virtual_mailbox_domains, with the mailbox below virtual_mailbox_base: a maildir ends in '/'. Empty: every address exists."};
    config::Param<std::string> virtual_uid_maps{*this, "virtual_uid_maps", "", "Tables with the user ID that owns an address's mailbox."};
    config::Param<std::string> virtual_gid_maps{*this, "virtual_gid_maps", "", "Tables with the group ID of an address's mailbox."};
    config::Param<long> virtual_minimum_uid{*this, "virtual_minimum_uid", "100", "The smallest user ID that virtual_uid_maps may give."};
    config::Param<std::vector<std::string>> relay_domains{*this, "relay_domains", "", "The domains that mail is relayed to for anybody."};
    config::Param<std::string> relay_recipient_maps{*this, "relay_recipient_maps", "", "Tables of the addresses in relay_domains. Empty: every address exists."};
    config::Param<std::string> local_recipient_maps{*this, "local_recipient_maps", "unix:passwd.byname $alias_maps",
        "Tables of the local users and aliases. Empty: every address exists."};
    config::Param<std::string> alias_maps{*this, "alias_maps", "$default_database_type:/etc/aliases", "Tables of the aliases of local delivery, see aliases(5)."};
    config::Param<std::string> local_transport{*this, "local_transport", "local:$myhostname", "How mail for mydestination is delivered."};
    config::Param<std::string> virtual_transport{*this, "virtual_transport", "virtual", "How mail for virtual_mailbox_domains is delivered."};
    config::Param<std::string> relay_transport{*this, "relay_transport", "relay", "How mail for relay_domains is delivered."};
    config::Param<std::string> default_transport{*this, "default_transport", "smtp", "How mail for all other domains is delivered."};
    config::Param<std::string> transport_maps{*this, "transport_maps", "", "Tables from addresses or domains to transport:nexthop."};
    config::Param<std::string> relayhost{*this, "relayhost", "", "The host that takes all mail for other hosts: name, [name] without MX look-up, name:port."};
    config::Param<std::string> sender_dependent_relayhost_maps{*this, "sender_dependent_relayhost_maps", "",
        "Tables from reverse-paths, or @domain, to a relayhost."};
    config::Param<std::string> sender_dependent_default_transport_maps{*this, "sender_dependent_default_transport_maps", "",
        "Tables from reverse-paths, or @domain, to transport:nexthop for mail to other hosts."};
    config::Param<std::vector<std::string>> parent_domain_matches_subdomains{*this, "parent_domain_matches_subdomains",
        "mynetworks, relay_domains",
        "The parameters in whose lists and tables example.com is also a.example.com; in the others that is .example.com. There are mynetworks, relay_domains and transport_maps."};
    config::Param<bool> append_dot_mydomain{*this, "append_dot_mydomain", "no", "Complete a domain without a dot by .$mydomain."};
    config::Param<std::string> empty_address_recipient{*this, "empty_address_recipient", "MAILER-DAEMON", "The recipient of mail to the null address."};
    config::Param<std::vector<std::string>> propagate_unmatched_extensions{*this, "propagate_unmatched_extensions", "canonical, virtual",
        "The tables whose results get the extension that the address had and the table's key had not: only 'virtual' matters yet."};
};

}  // namespace mta::route
