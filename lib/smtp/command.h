#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/address.h"
#include "mail/dsn.h"

// The server's side of RFC 5321's grammar: commands and their arguments. The text of an Error here is the whole reply for the
// client: "501 5.5.4 Syntax: MAIL FROM:<address>".
namespace mta::smtp {

constexpr std::size_t max_verb_bytes = 20;

struct Command {
    std::string verb;      // upper case
    std::string argument;  // without white space at its ends
};

// RFC 5321 section 4.1.1: one line without its end. An Error for control characters, 8-bit verbs and empty lines.
Result<Command> parse_command(std::string_view line);

// What front and the worker do not share in their settings.
struct Rules {
    bool strict = false;       // addresses need their <>
    std::uint64_t max_size = 0;  // 0: no limit
};

// RFC 5321 section 4.1.1.2, RFC 1870 (SIZE), RFC 6152 (BODY), RFC 3461 (RET, ENVID), RFC 4954 (AUTH).
struct MailFrom {
    mail::Address reverse_path;
    std::optional<std::uint64_t> size;
    std::string body;           // "7BIT", "8BITMIME" or empty
    mail::Ret ret = mail::Ret::unspecified;
    std::string envid;          // in xtext
    std::optional<std::string> auth;  // decoded; "<>" is the empty text
};
Result<MailFrom> parse_mail_from(std::string_view argument, const Rules& rules = {});

// RFC 5321 section 4.1.1.3, RFC 3461 (NOTIFY, ORCPT). <postmaster> has no domain.
struct RcptTo {
    mail::Address forward_path;
    std::string notify;         // upper case
    std::string orcpt;          // as it was sent: "rfc822;xtext"
};
Result<RcptTo> parse_rcpt_to(std::string_view argument, const Rules& rules = {});

// RFC 5321 section 4.1.1.1: the client's name in HELO or EHLO: a domain or an address literal. Others are let through, as clients
// send anything, but for control characters and what is too long; the caller decides.
struct Helo {
    std::string name;
    bool is_valid = false;      // a domain or an address literal
    bool is_full = false;       // a domain with a dot, or an address literal
};
Result<Helo> parse_helo(std::string_view argument);

}  // namespace mta::smtp
