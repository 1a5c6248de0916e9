#pragma once

#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "table/table.h"

namespace mta::table {

enum class Key { whole, part };  // a part is not shown to tables that take whole keys only

// The tables of one parameter, "hash:/a, cidr:/b", asked in order.
class Maps {
public:
    Maps() = default;  // empty: nothing is there
    static Result<Maps> open(std::string_view list, const Options& options = {});
    // The same from the words of a config::Param<std::vector<std::string>>.
    static Result<Maps> open(const std::vector<std::string>& words, const Options& options = {});

    struct Hit {
        std::string value;
        const Table* table;  // lives as long as the Maps
    };
    // The first hit. A table that cannot tell ends the search: what is behind it must not answer in its place.
    Result<std::optional<Hit>> search(std::string_view key, Key kind = Key::whole) const;
    Found find(std::string_view key, Key kind = Key::whole) const;

    bool empty() const { return tables_.empty(); }
    bool is_stale() const;
    // Opens those tables again whose files were replaced. What cannot be opened now stays as it was, with a warning, but what is not in
    // it may be in its successor: nobody can tell.
    void renew();
    const std::vector<std::unique_ptr<Table>>& tables() const { return tables_; }

private:
    std::vector<std::unique_ptr<Table>> tables_;
    Options options_;
    std::time_t next_renewal_ = 0;  // after one that failed
    std::string outdated_;          // the table that could not be opened again
};

// The value for an address, and the "+ext" (delimiter included) that the matching key did not have: the caller may have to
// add it to the result (propagate_unmatched_extensions).
struct AddressHit {
    std::string value;
    std::string extension;
};
using AddressFound = Result<std::optional<AddressHit>>;

struct AddressOptions {
    std::string delimiters;  // recipient_delimiter
    // Whether a bare "user" key may match an address in this domain: $myorigin, $mydestination, $inet_interfaces.
    std::function<Result<bool>(std::string_view domain)> is_local;
};

// virtual(5), canonical(5), and most other address tables: user+ext@domain, user@domain, user+ext, user (both only if is_local),
// @domain.
AddressFound find_address(const Maps& maps, std::string_view address, const AddressOptions& options);

// virtual_mailbox_maps and relay_recipient_maps have no bare users: user+ext@domain, user@domain, @domain.
AddressFound find_mailbox(const Maps& maps, std::string_view address, std::string_view delimiters);

// transport(5): user+ext@domain, user@domain, domain, .parent (parent too, if parents_match), *.
Found find_transport(const Maps& maps, std::string_view address, std::string_view delimiters, bool parents_match = true);

// access(5): user+ext@domain, user@domain, domain, parents (".parent" unless parents_match), user+ext@, user@.
Found find_access(const Maps& maps, std::string_view address, std::string_view delimiters, bool parents_match = true);
// access(5), a host name: name, its parents (".parent" unless parents_match).
Found find_host_access(const Maps& maps, std::string_view host, bool parents_match = true);
// access(5), an address: 192.0.2.1, 192.0.2, 192.0, 192; the same for IPv6 at colons.
Found find_address_access(const Maps& maps, std::string_view ip_address);

// Where the extension begins ("+ext"), or npos: never in mailer-daemon, double-bounce, owner-list or list-request.
std::size_t extension_of(std::string_view local_part, std::string_view delimiters);

}  // namespace mta::table
