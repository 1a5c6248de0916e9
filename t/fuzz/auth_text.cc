// Covers: lib/auth/wire.cc lib/auth/users.cc lib/service/return_ticket.cc
#include "auth/mechanism.h"
#include "auth/scheme.h"
#include "auth/users.h"
#include "auth/wire.h"
#include "base/text.h"
#include "t/fuzz/lib/peer.h"
#include "t/fuzz/lib/scratch.h"
#include "service/return_ticket.h"

// Lines of Dovecot's authentication protocol and of passwd-files, and the tickets of sessions that come back.
namespace {

using namespace mta;

void check_wire(std::string_view text)
{
    HOLDS(auth::wire_unescape(auth::wire_escape(text)) == text);
    auto line = auth::WireLine::parse(text);
    for (const auto& field : line.fields)
        HOLDS(field.find('=') == std::string::npos || line.find(field.substr(0, field.find('='))).has_value());
    std::vector<std::string> fields{"OK", "7"};
    fields.insert(fields.end(), line.fields.begin(), line.fields.end());
    auto written = auth::wire_line(fields);
    HOLDS(written.find('\n') + 1 == written.size());
    auto again = auth::WireLine::parse(std::string_view(written).substr(0, written.size() - 1));
    HOLDS(again.command == "OK" && again.id == 7 && (again.fields == line.fields));
}

void check_entry(const std::string& text)
{
    auto entry = auth::Entry::parse(text);
    if (!entry)
        return;
    HOLDS(auth::is_user_name(entry->user) && entry->uid != 0u && entry->gid != 0u);
    entry->may_come_from("192.0.2.1");
    entry->may_come_from(text);
    auto location = auth::expand_location("maildir:/var/mail/%d/%n", entry->user, entry->home);
    if (location)
        HOLDS(location->find("/..") == std::string::npos && location->find("//") == std::string::npos);
    (void)auth::expand_location(entry->mail, entry->user, entry->home).operator bool();
    auto stored = auth::split_scheme(entry->password);
    HOLDS(upper(stored.scheme) == stored.scheme);
    // Hashes of the slow kind take the time that they are made for.
    if (stored.scheme == "PLAIN" || stored.scheme == "SSHA256" || stored.scheme == "SHA1" || stored.scheme == "PLAIN-MD5")
        (void)auth::verify_password(entry->password, "secret").operator bool();
}

void check_file(std::string_view text)
{
    auto changed = auth::with_password(text, "anna@example.com", "{PLAIN}secret");
    HOLDS(changed);
    auto path = fuzz::scratch_directory() + "/users";
    fuzz::write_file(path, *changed);
    auto users = auth::open_users("passwd-file:" + path);
    HOLDS(users);
    auto found = (*users)->find("anna@example.com");
    if (found && *found && text.find('\r') == std::string_view::npos)
        HOLDS((*found)->password == "{PLAIN}secret" && (*found)->user == "anna@example.com");
    auto without = auth::without_user(*changed, "anna@example.com");
    HOLDS(without && !auth::without_user(*without, "anna@example.com"));
}

void check_ticket(std::string_view text)
{
    static const auto path = [] {
        auto name = fuzz::scratch_directory() + "/secret";
        HOLDS(service::Secret::make(name));
        return name;
    }();
    static const service::ReturnSecret secret(*service::Secret::load(path));
    HOLDS(!secret.redeem(text, "imap"));
    service::Account account{std::string(text.substr(0, text.size() / 2)), "5000:5000", std::string(text), "maildir:/x"};
    if (text.find('\0') != std::string_view::npos || text.size() > 8192)
        return;
    auto ticket = secret.ticket(account, "imap");
    auto redeemed = secret.redeem(ticket, "imap");
    HOLDS(redeemed && redeemed->user == account.user && redeemed->home == account.home);
    HOLDS(!secret.redeem(ticket, "pop3"));
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    check_wire(input);
    check_entry(std::string(input));
    check_file(input);
    check_ticket(input);
}
