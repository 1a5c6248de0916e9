#include <algorithm>
#include <deque>
#include <set>

#include "base/text.h"
#include "mime/address.h"
#include "route/router.h"

// Virtual aliases.
namespace mta::route {

// One step of virtual(5): what the tables make of the address, if they know it.
Result<std::optional<std::vector<std::string>>> Router::alias_of(const std::string& address) const
{
    using Aliases = std::optional<std::vector<std::string>>;
    auto found = table::find_address(virtual_aliases_, address, address_options());
    if (!found)
        return found.error();
    if (!*found)
        return Aliases();
    const auto& words = params_->propagate_unmatched_extensions();
    bool propagate = std::find(words.begin(), words.end(), "virtual") != words.end();
    std::vector<std::string> results;
    for (const auto& entry : mime::parse_addresses((*found)->value, (*found)->value.size())) {  // all of them: limits come later
        if (entry.kind != mime::Address::Kind::mailbox)
            continue;
        auto local = entry.local_part.empty() ? address.substr(0, address.rfind('@')) : entry.local_part;
        if (propagate && !entry.local_part.empty())
            local += (*found)->extension;
        results.push_back(normalise(entry.domain.empty() ? local : cat(local, "@", entry.domain)));
    }
    if (results.empty())
        return failure(cat("virtual alias for ", address, " has no address"));
    return Aliases(std::move(results));
}

Result<std::vector<std::string>> Router::expand(std::string_view recipient) const
{
    std::vector<std::string> done;
    std::set<std::string> seen;
    std::deque<std::pair<std::string, long>> open{{normalise(recipient), 0}};
    while (!open.empty()) {
        auto [address, depth] = std::move(open.front());
        open.pop_front();
        if (!seen.insert(lower(address)).second)
            continue;
        auto aliases = virtual_aliases_.empty() ? Result(std::optional<std::vector<std::string>>()) : alias_of(address);
        if (!aliases)
            return aliases.error();
        bool is_itself = *aliases && std::any_of((*aliases)->begin(), (*aliases)->end(), [&address = address](const auto& a) { return iequals(a, address); });
        if (!*aliases || is_itself)
            done.push_back(address);
        if (depth >= params_->virtual_alias_recursion_limit())
            return failure(cat("virtual aliases of ", recipient, " go too deep"));
        for (const auto& alias : *aliases ? **aliases : std::vector<std::string>{})
            open.emplace_back(alias, depth + 1);
        if (static_cast<long>(done.size() + open.size()) > params_->virtual_alias_expansion_limit())
            return failure(cat("virtual aliases of ", recipient, " are too many"));
    }
    if (done.empty())
        return failure(cat("virtual aliases of ", recipient, " only lead to each other"));
    return done;
}

}  // namespace mta::route
