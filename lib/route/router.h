#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "route/params.h"
#include "table/maps.h"
#include "table/match_list.h"

// What an address is and whither its mail goes: the four address classes and the default, transports, virtual aliases. Trouble
// with a table is always a temporary Error, never "not there".
namespace mta::route {

enum class Class { local, virtual_alias, virtual_mailbox, relay, other };
std::string_view name_of(Class c);

struct Route {
    Class address_class = Class::other;
    std::string recipient;         // with its domain, which is in lower case
    std::string transport, nexthop;
    std::string owner;             // who delivers: "5000:5000", a system user's name, or empty
};

class Router {
public:
    // Opens all tables. An Error names the one that cannot be opened.
    static Result<Router> open(const config::Common& common, const Params& params);

    // An address as it is used inside: with a domain, and that in lower case, in A-labels, without a dot at its end.
    std::string normalise(std::string_view address) const;
    Result<Class> class_of(std::string_view domain) const;
    // transport_maps above the class's own transport. 5.1.1 for an address of virtual_alias_domains that no alias replaced.
    Result<Route> resolve(std::string_view reverse_path, std::string_view recipient) const;
    // The class if the recipient exists, or nobody here can know; else an Error: 5.1.1 "User unknown in ... table", the reason
    // that a transport error:reason gives, or temporary.
    Result<Class> check(std::string_view reverse_path, std::string_view recipient) const;
    // The recipient, or what virtual aliases make of it, aliases of aliases included; never empty.
    Result<std::vector<std::string>> expand(std::string_view recipient) const;

    // Tables that were replaced are opened again.
    void renew();

private:
    Router(const config::Common& common, const Params& params) : common_(&common), params_(&params) {}
    Result<void> open_tables();
    Result<bool> is_local_domain(std::string_view domain) const;
    table::AddressOptions address_options() const;
    Result<std::optional<std::vector<std::string>>> alias_of(const std::string& address) const;
    Result<void> route_by_class(Route& route, std::string_view reverse_path) const;
    Result<void> apply_transport_maps(Route& route) const;
    Result<void> check_transport(const std::string& address, Class address_class, std::string_view reverse_path) const;
    bool parents_match(std::string_view list) const;
    Result<void> find_owner(Route& route) const;
    Result<std::string> virtual_owner(const std::string& recipient) const;
    Result<std::string> local_owner(const std::string& recipient) const;
    Result<bool> exists_locally(const std::string& recipient) const;
    Result<std::string> relay_host(std::string_view reverse_path) const;

    const config::Common* common_;
    const Params* params_;
    std::vector<net::Address> own_addresses_;
    table::MatchList mydestination_, virtual_alias_domains_, virtual_mailbox_domains_, relay_domains_;
    table::Maps virtual_aliases_, virtual_mailboxes_, virtual_uids_, virtual_gids_, relay_recipients_, local_recipients_, aliases_,
        transports_, sender_relayhosts_, sender_transports_, users_;
};

}  // namespace mta::route
