#include "auth/checker.h"

#include <unistd.h>

#include "auth/scheme.h"
#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "log/log.h"

namespace mta::auth {

namespace {

constexpr std::size_t random_password_bytes = 18;

// "5000", "static:5000", or the process's own when that is not root.
std::string default_id(std::string_view text, unsigned own)
{
    constexpr std::string_view prefix = "static:";
    text = trim(text);
    if (text.starts_with(prefix))
        text.remove_prefix(prefix.size());
    if (auto number = parse_number<unsigned>(text); number && *number != 0)
        return std::string(text);
    return own == 0 ? "" : cat(own);
}

}  // namespace

Checker::Checker(Users& users, Settings settings) : users_(users), settings_(std::move(settings))
{
    settings_.default_uid = default_id(settings_.default_uid, ::geteuid());
    settings_.default_gid = default_id(settings_.default_gid, ::geteuid() == 0 ? 0 : ::getegid());
    auto made = make_password(settings_.password_scheme, base64_encode(random_bytes(random_password_bytes)));
    if (!made)
        log::fatal("auth_password_scheme: ", made.error().text);
    nobody_ = *made;
}

CheckReply Checker::check(const CheckRequest& request)
{
    CheckReply reply;
    reply.number = request.number;
    reply.result = "no";
    auto entry = users_.find(request.user);
    if (!entry) {
        log::warning("user look-up: ", entry.error().text);
        reply.result = "error";
        return reply;
    }
    if (*entry)
        describe(**entry, reply);
    if (request.kind == "password")
        check_password(request, *entry, reply);
    else
        give_keys(request, *entry, reply);
    bool may_log_in = !*entry || (!(*entry)->nologin && (*entry)->may_come_from(request.address));
    if (reply.result == "yes" && !may_log_in)
        reply.result = "disabled";
    return reply;
}

void Checker::check_password(const CheckRequest& request, const std::optional<Entry>& entry, CheckReply& reply)
{
    auto right = verify_password(entry ? entry->password : nobody_, request.password);
    if (!right) {
        log::warning("user ", request.user, ": ", right.error().text);
        reply.result = "error";
        return;
    }
    reply.result = entry && *right ? "yes" : "no";
}

// Keys that fit no password look the same to a client as those of a user. "yes" only says that they are somebody's.
void Checker::give_keys(const CheckRequest& request, const std::optional<Entry>& entry, CheckReply& reply)
{
    auto keys = ScramKeys::fake(request.user, settings_.secret);
    if (entry) {
        auto [scheme, value] = split_scheme(entry->password);
        std::optional<ScramKeys> stored;
        if (scheme == "SCRAM-SHA-256")
            stored = ScramKeys::parse(value);
        else if (scheme == "PLAIN" || scheme == "CLEARTEXT" || scheme == "CLEAR")
            stored = ScramKeys::derive(value, keys.salt, keys.iterations);
        else
            log::info("user ", request.user, " cannot use SCRAM-SHA-256: the password is stored as ", printable(scheme));
        if (stored) {
            keys = *stored;
            reply.result = "yes";
        }
    }
    reply.keys = keys.text();
}

void Checker::describe(const Entry& entry, CheckReply& reply) const
{
    reply.uid = entry.uid ? cat(*entry.uid) : settings_.default_uid;
    reply.gid = entry.gid ? cat(*entry.gid) : settings_.default_gid;
    reply.home = entry.home;
    auto mail = expand_location(entry.mail.empty() ? settings_.mail_location : entry.mail, entry.user, entry.home);
    if (mail)
        reply.mail = *mail;
    else
        reply.trouble = mail.error().text;
    if (reply.uid.empty() || reply.gid.empty())
        reply.trouble = "neither the entry nor auth_default_uid and auth_default_gid say who owns the mailbox";
}

}  // namespace mta::auth
