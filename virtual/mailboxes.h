#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "table/maps.h"
#include "virtual/params.h"

namespace mta::virtual_delivery {

// Where the mail of the addresses lies, and whose it is.
class Mailboxes {
public:
    static Result<Mailboxes> open(const Params& params, const config::Common& common);

    // The path of the address's maildir. Errors: 5.1.1 there is no such address; 4.3.5 a table cannot tell now, or
    // says what we cannot do.
    Result<std::string> path_of(std::string_view address) const;

    // An Error (4.3.5) unless the tables say that the mailbox belongs to this user and group.
    Result<void> check_owner(std::string_view address, uid_t uid, gid_t gid) const;

    // Tables that were replaced are opened again.
    void renew()
    {
        for (auto* maps : {&paths_, &uids_, &gids_})
            maps->renew();
    }

private:
    Mailboxes(std::string base, std::string delimiters, long minimum_uid)
        : base_(std::move(base)), delimiters_(std::move(delimiters)), minimum_uid_(minimum_uid) {}
    Result<long> find_id(const table::Maps& maps, std::string_view address, std::string_view kind, long minimum) const;

    std::string base_, delimiters_;
    long minimum_uid_;
    table::Maps paths_, uids_, gids_;
};

}  // namespace mta::virtual_delivery
