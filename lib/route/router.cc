#include "route/router.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"
#include "mail/status.h"
#include "net/interfaces.h"

namespace mta::route {

namespace {

constexpr std::string_view null_sender_key = "<>", undeliverable = "Address is undeliverable";
constexpr std::string_view class_names[] = {"local", "virtual_alias", "virtual_mailbox", "relay", "default"};

std::string_view domain_of(std::string_view address)
{
    auto at = address.rfind('@');
    return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

std::string_view local_part_of(std::string_view address) { return address.substr(0, std::min(address.rfind('@'), address.size())); }

// "transport:nexthop", where either may be empty; a nexthop may contain colons.
struct Target {
    std::string transport, nexthop;
};
Target split_target(std::string_view text)
{
    auto colon = text.find(':');
    if (colon == std::string_view::npos)
        return {std::string(trim(text)), ""};
    return {std::string(trim(text.substr(0, colon))), std::string(trim(text.substr(colon + 1)))};
}

}  // namespace

std::string_view name_of(Class c) { return class_names[static_cast<std::size_t>(c)]; }

Result<Router> Router::open(const config::Common& common, const Params& params)
{
    Router router(common, params);
    if (auto opened = router.open_tables(); !opened)
        return opened.error();
    return router;
}

Result<void> Router::open_tables()
{
    table::Options options;
    options.default_type = common_->default_database_type;
    options.may_be_missing = true;
    table::Options trusted = options;
    trusted.allow_substitution = false;
    struct MapsParameter {
        table::Maps& maps;
        const std::string& value;
        const table::Options& options;
    };
    static const std::string user_table = "unix:passwd.byname";
    own_addresses_ = net::own_addresses(common_->inet_interfaces);
    for (const auto& p : {MapsParameter{virtual_aliases_, params_->virtual_alias_maps, options},
                          {virtual_mailboxes_, params_->virtual_mailbox_maps, trusted}, {virtual_uids_, params_->virtual_uid_maps, trusted},
                          {virtual_gids_, params_->virtual_gid_maps, trusted}, {relay_recipients_, params_->relay_recipient_maps, options},
                          {local_recipients_, params_->local_recipient_maps, options}, {aliases_, params_->alias_maps, trusted},
                          {transports_, params_->transport_maps, options}, {sender_relayhosts_, params_->sender_dependent_relayhost_maps, options},
                          {sender_transports_, params_->sender_dependent_default_transport_maps, options}, {users_, user_table, trusted}}) {
        auto opened = table::Maps::open(std::string_view(p.value), p.options);
        if (!opened)
            return opened.error();
        p.maps = *std::move(opened);
    }
    struct ListParameter {
        table::MatchList& list;
        const std::vector<std::string>& value;
        bool parents;
    };
    for (const auto& p : {ListParameter{mydestination_, common_->mydestination, false}, {virtual_alias_domains_, params_->virtual_alias_domains, false},
                          {virtual_mailbox_domains_, params_->virtual_mailbox_domains, false}, {relay_domains_, params_->relay_domains, parents_match("relay_domains")}}) {
        table::MatchList::Options list_options{p.parents, options};
        auto opened = table::MatchList::open(p.value, list_options);
        if (!opened)
            return opened.error();
        p.list = *std::move(opened);
    }
    return {};
}

void Router::renew()
{
    for (auto* maps : {&virtual_aliases_, &virtual_mailboxes_, &virtual_uids_, &virtual_gids_, &relay_recipients_, &local_recipients_, &aliases_,
                       &transports_, &sender_relayhosts_, &sender_transports_})
        maps->renew();
    for (auto* list : {&mydestination_, &virtual_alias_domains_, &virtual_mailbox_domains_, &relay_domains_})
        list->renew();
}

bool Router::parents_match(std::string_view list) const
{
    const auto& lists = params_->parent_domain_matches_subdomains();
    return std::find(lists.begin(), lists.end(), list) != lists.end();
}

std::string Router::normalise(std::string_view address) const
{
    if (address.empty())
        return normalise(params_->empty_address_recipient().empty() ? "MAILER-DAEMON" : params_->empty_address_recipient());
    auto parts = mail::from_internal(address);
    if (parts.domain.empty() && !address.ends_with('@'))
        parts.domain = common_->myorigin();
    bool is_short = !parts.domain.empty() && parts.domain.find('.') == std::string::npos && parts.domain.front() != '[';
    if (is_short && params_->append_dot_mydomain)
        parts.domain += cat(".", common_->mydomain());
    return cat(parts.local_part, "@", mail::lookup_domain(parts.domain).value_or(lower(parts.domain)));
}

// mydestination, and the addresses of this host as literals (RFC 5321 section 4.1.3).
Result<bool> Router::is_local_domain(std::string_view domain) const
{
    if (auto literal = mail::address_in_literal(domain)) {
        auto address = net::Address::parse(*literal);
        return address && std::find(own_addresses_.begin(), own_addresses_.end(), *address) != own_addresses_.end();
    }
    return mydestination_.has_domain(domain);
}

Result<Class> Router::class_of(std::string_view domain) const
{
    auto local = is_local_domain(domain);
    if (!local)
        return local.error();
    if (*local)
        return Class::local;
    for (auto [list, c] : {std::pair(&virtual_alias_domains_, Class::virtual_alias), {&virtual_mailbox_domains_, Class::virtual_mailbox},
                           {&relay_domains_, Class::relay}}) {
        auto found = list->has_domain(domain);
        if (!found)
            return found.error();
        if (*found)
            return c;
    }
    return Class::other;
}

table::AddressOptions Router::address_options() const
{
    return {common_->recipient_delimiter, [this](std::string_view domain) -> Result<bool> {
                if (iequals(domain, common_->myorigin()))
                    return true;
                return is_local_domain(domain);
            }};
}

Result<bool> Router::exists_locally(const std::string& recipient) const
{
    auto local = std::string(local_part_of(recipient));
    if (local.starts_with('\\'))
        local.erase(0, 1);  // "\user": no aliases
    for (const auto& key : {recipient, local, local.substr(0, table::extension_of(local, common_->recipient_delimiter()))}) {
        auto found = local_recipients_.find(lower(key));
        if (!found)
            return found.error();
        if (*found)
            return true;
    }
    return iequals(local, "postmaster") || iequals(local, "mailer-daemon");  // RFC 5321 section 4.5.1
}

// transport_maps and the like may send a recipient to error(8): SMTP clients are told at once.
Result<void> Router::check_transport(const std::string& address, Class address_class, std::string_view reverse_path) const
{
    Route route;
    route.recipient = address;
    route.address_class = address_class;
    for (const auto& step : {route_by_class(route, reverse_path), apply_transport_maps(route)})
        if (!step)
            return step;
    if (route.transport != "error")
        return {};
    auto reason = mail::split_status(route.nexthop, "5.1.1");
    return Error{std::string(reason.text), reason.status};
}

Result<Class> Router::check(std::string_view reverse_path, std::string_view recipient) const
{
    auto address = normalise(recipient);
    auto address_class = class_of(domain_of(address));
    if (!address_class)
        return address_class;
    if (!virtual_aliases_.empty()) {
        auto alias = alias_of(address);
        if (!alias)
            return alias.error();
        if (*alias)
            return address_class;
    }
    auto unknown = [](std::string_view table) { return Error{cat("User unknown in ", table, " table"), "5.1.1"}; };
    if (*address_class == Class::virtual_alias)
        return unknown("virtual alias");
    if (auto deliverable = check_transport(address, *address_class, reverse_path); !deliverable)
        return deliverable.error();
    if (*address_class == Class::other)
        return address_class;
    bool is_mailbox = *address_class == Class::virtual_mailbox;
    if (*address_class == Class::local) {
        auto exists = local_recipients_.empty() ? Result(true) : exists_locally(address);
        if (!exists)
            return exists.error();
        return *exists ? address_class : unknown("local recipient");
    }
    const auto& maps = is_mailbox ? virtual_mailboxes_ : relay_recipients_;
    if (maps.empty())
        return address_class;
    auto found = table::find_mailbox(maps, address, common_->recipient_delimiter());
    if (!found)
        return found.error();
    return *found ? address_class : unknown(is_mailbox ? "virtual mailbox" : "relay recipient");
}

Result<Route> Router::resolve(std::string_view reverse_path, std::string_view recipient) const
{
    Route route;
    route.recipient = normalise(recipient);
    auto address_class = class_of(domain_of(route.recipient));
    if (!address_class)
        return address_class.error();
    route.address_class = *address_class;
    for (const auto& step : {route_by_class(route, reverse_path), apply_transport_maps(route), find_owner(route)})
        if (!step)
            return step.error();
    return route;
}

Result<std::string> Router::relay_host(std::string_view reverse_path) const
{
    if (!sender_relayhosts_.empty()) {
        auto key = reverse_path.empty() ? null_sender_key : reverse_path;
        auto found = table::find_mailbox(sender_relayhosts_, key, common_->recipient_delimiter());
        if (!found)
            return found.error();
        if (*found && (*found)->value != "DUNNO")
            return (*found)->value;
    }
    return params_->relayhost();
}

Result<void> Router::route_by_class(Route& route, std::string_view reverse_path) const
{
    auto domain = std::string(domain_of(route.recipient));
    Target target;
    switch (route.address_class) {
    case Class::local: target = split_target(params_->local_transport()); break;
    case Class::virtual_mailbox: target = split_target(params_->virtual_transport()); break;
    case Class::relay: target = split_target(params_->relay_transport()); break;
    case Class::other: target = split_target(params_->default_transport()); break;
    case Class::virtual_alias: target = {"error", "5.1.1 User unknown in virtual alias table"}; break;
    }
    bool leaves = route.address_class == Class::relay || route.address_class == Class::other;
    if (route.address_class == Class::other && !sender_transports_.empty()) {
        auto key = reverse_path.empty() ? null_sender_key : reverse_path;
        auto found = table::find_mailbox(sender_transports_, key, common_->recipient_delimiter());
        if (!found)
            return found.error();
        if (*found && (*found)->value != "DUNNO")
            target = split_target((*found)->value);
    }
    if (leaves && target.nexthop.empty()) {
        auto relay = relay_host(reverse_path);
        if (!relay)
            return relay.error();
        target.nexthop = *relay;
    }
    route.transport = target.transport;
    route.nexthop = target.nexthop.empty() ? domain : target.nexthop;
    return {};
}

// transport(5): an empty transport or nexthop leaves that of the class, a transport alone has the domain as nexthop.
Result<void> Router::apply_transport_maps(Route& route) const
{
    if (transports_.empty())
        return {};
    auto found = table::find_transport(transports_, route.recipient, common_->recipient_delimiter(), parents_match("transport_maps"));
    if (!found)
        return found.error();
    if (!*found)
        return {};
    auto target = split_target(**found);
    if (target.transport.empty() && target.nexthop.empty())
        return {};
    if (!target.transport.empty()) {
        route.transport = target.transport;
        bool is_reason = route.transport == "error" || route.transport == "retry";  // their nexthop is a text
        route.nexthop = is_reason ? undeliverable : domain_of(route.recipient);
    }
    if (!target.nexthop.empty())
        route.nexthop = target.nexthop;
    return {};
}

Result<void> Router::find_owner(Route& route) const
{
    if (route.transport != "virtual" && route.transport != "local")
        return {};
    auto owner = route.transport == "virtual" ? virtual_owner(route.recipient) : local_owner(route.recipient);
    if (!owner)
        return owner.error();
    route.owner = *owner;
    return {};
}

Result<std::string> Router::virtual_owner(const std::string& recipient) const
{
    auto number = [&](const table::Maps& maps, std::string_view what) -> Result<unsigned> {
        auto found = table::find_mailbox(maps, recipient, common_->recipient_delimiter());
        if (!found)
            return found.error();
        auto value = *found ? parse_number<unsigned>((*found)->value) : std::nullopt;
        if (!value)
            return failure(cat("no valid ", what, " for <", recipient, ">"));
        return *value;
    };
    auto uid = number(virtual_uids_, "user ID in virtual_uid_maps");
    auto gid = number(virtual_gids_, "group ID in virtual_gid_maps");
    if (!uid || !gid)
        return uid ? gid.error() : uid.error();
    if (static_cast<long>(*uid) < params_->virtual_minimum_uid() || *gid == 0)
        return failure(cat("user ID ", *uid, " for <", recipient, "> is below virtual_minimum_uid"));
    return cat(*uid, ":", *gid);
}

// The user whose mailbox it is; empty for aliases, which are expanded with default_privs, and for unknown names.
Result<std::string> Router::local_owner(const std::string& recipient) const
{
    auto local = lower(local_part_of(recipient));
    bool no_alias = local.starts_with('\\');
    local.erase(0, no_alias ? 1 : 0);
    auto user = local.substr(0, table::extension_of(local, common_->recipient_delimiter()));
    for (const auto& key : {local, user}) {
        auto alias = no_alias ? table::Found(std::nullopt) : aliases_.find(key);
        if (!alias)
            return alias.error();
        if (*alias)
            return std::string();
    }
    for (const auto& key : {local, user}) {
        auto found = users_.find(key);
        if (!found)
            return found.error();
        if (*found)
            return key;
    }
    return std::string();
}

}  // namespace mta::route
