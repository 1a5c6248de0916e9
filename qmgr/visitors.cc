#include "qmgr/visitors.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"
#include "base/text.h"

namespace mta::qmgr {

namespace {

constexpr std::string_view everybody = "static:anyone";
constexpr std::string_view of_the_users[] = {"flush", "flush_id", "flush_site"};
constexpr std::string_view of_everybody[] = {"limits", "orphan"};  // orphan: by a descriptor that proves it

Error forbidden(std::string_view name, uid_t user, std::string_view what) { return {cat("User ", printable(name), "(", user, ") is not allowed to ", what), "5.7.0"}; }

}  // namespace

Result<Visitors> Visitors::open(const Params& params)
{
    const auto& words = params.authorized_flush_users();
    table::MatchList::Options options;
    options.table.may_be_missing = true;
    auto flushers = table::MatchList::open(words, options);
    if (!flushers)
        return failure(cat("authorized_flush_users: ", flushers.error().text));
    Visitors visitors;
    visitors.flushers_ = *std::move(flushers);
    visitors.are_equal_ = words.size() == 1 && words.front() == everybody;
    return visitors;
}

Result<void> Visitors::may_ask(uid_t user, std::string_view request)
{
    auto is_one_of = [&](const auto& requests) { return std::find(std::begin(requests), std::end(requests), request) != std::end(requests); };
    if (user == 0 || user == ::geteuid() || is_one_of(of_everybody))
        return {};
    if (!is_one_of(of_the_users))
        return forbidden("", user, "tell the queue manager what is in the queue");
    if (are_equal_)
        return {};
    errno = 0;
    const passwd* entry = ::getpwuid(user);
    if (!entry && errno != 0 && errno != ENOENT && errno != ESRCH)
        return errno_error(cat("look up user ", user));
    flushers_.renew();
    const std::string name = entry ? entry->pw_name : "unknown";
    auto is_in = flushers_.has_word(name);
    if (!is_in)
        return failure(cat("authorized_flush_users: ", is_in.error().text));
    return *is_in ? Result<void>() : forbidden(name, user, "flush the mail queue");
}

}  // namespace mta::qmgr
