#include "virtual/mailboxes.h"

#include "base/text.h"

namespace mta::virtual_delivery {

namespace {

// Our own trouble until the operator has corrected it.
Error misconfigured(std::string text) { return Error{std::move(text), "4.3.5"}; }

}  // namespace

Result<Mailboxes> Mailboxes::open(const Params& params, const config::Common& common)
{
    table::Options options;
    options.default_type = common.default_database_type;
    options.may_be_missing = true;
    options.allow_substitution = false;  // what a sender writes must not become a path or an owner
    Mailboxes mailboxes(params.virtual_mailbox_base, common.recipient_delimiter, params.virtual_minimum_uid);
    for (auto [maps, list] : {std::pair(&mailboxes.paths_, &params.virtual_mailbox_maps()), {&mailboxes.uids_, &params.virtual_uid_maps()},
                              {&mailboxes.gids_, &params.virtual_gid_maps()}}) {
        auto opened = table::Maps::open(std::string_view(*list), options);
        if (!opened)
            return opened.error();
        *maps = *std::move(opened);
    }
    return mailboxes;
}

Result<std::string> Mailboxes::path_of(std::string_view address) const
{
    auto found = table::find_mailbox(paths_, address, delimiters_);
    if (!found)
        return misconfigured(cat("virtual_mailbox_maps: ", found.error().text));
    if (!*found)
        return Error{cat("unknown user: \"", address, "\""), "5.1.1"};
    auto path = base_.empty() ? (*found)->value : cat(base_, "/", (*found)->value);
    if (!path.starts_with('/'))
        return misconfigured(cat("the mailbox of ", address, " is ", path, ", which is no absolute path: see virtual_mailbox_base"));
    if (!path.ends_with('/'))
        return misconfigured(cat("the mailbox of ", address, " is ", path, ", but only maildirs are supported: the path must end in '/'"));
    return path;
}

Result<long> Mailboxes::find_id(const table::Maps& maps, std::string_view address, std::string_view kind, long minimum) const
{
    auto found = table::find_mailbox(maps, address, delimiters_);
    if (!found)
        return misconfigured(cat("virtual_", kind, "_maps: ", found.error().text));
    if (!*found)
        return misconfigured(cat("recipient ", address, ": ", kind, " not found in virtual_", kind, "_maps"));
    auto id = parse_number<long>((*found)->value);
    if (!id || *id < minimum)
        return misconfigured(cat("recipient ", address, ": bad ", kind, " ", (*found)->value, " in virtual_", kind, "_maps"));
    return *id;
}

Result<void> Mailboxes::check_owner(std::string_view address, uid_t uid, gid_t gid) const
{
    auto wanted_uid = find_id(uids_, address, "uid", minimum_uid_);
    if (!wanted_uid)
        return wanted_uid.error();
    auto wanted_gid = find_id(gids_, address, "gid", 1);
    if (!wanted_gid)
        return wanted_gid.error();
    // The tables were changed while the mail was on its way to us.
    if (static_cast<uid_t>(*wanted_uid) != uid || static_cast<gid_t>(*wanted_gid) != gid)
        return misconfigured(cat("recipient ", address, ": the mailbox belongs to ", *wanted_uid, ":", *wanted_gid, ", this process to ", uid, ":", gid));
    return {};
}

}  // namespace mta::virtual_delivery
