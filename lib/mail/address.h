#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mta::mail {

// RFC 5321 section 4.5.3.1.
constexpr std::size_t max_local_part_bytes = 64;
constexpr std::size_t max_domain_bytes = 255;
constexpr std::size_t max_path_bytes = 1024;  // with a source route; the standard asks for 256

struct Syntax {
    bool utf8 = false;      // RFC 6531: bytes above 127, which must be UTF-8
    bool brackets = true;   // "<" and ">" must be there (strict_rfc821_envelopes)
};

// An envelope address in the internal form: the local part without quoting, so that `"a b"@c` and `a b@c` are the same. The
// null reverse-path has neither part; an address without a domain (postmaster, local submissions) only the first.
struct Address {
    std::string local_part;
    std::string domain;     // "example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]"; as it was written

    bool is_null() const { return local_part.empty() && domain.empty(); }
    std::string internal() const;  // "a b@c"; empty for the null address
    std::string external() const;  // "\"a b\"@c": as in SMTP commands and header fields, without <>
    bool operator==(const Address&) const = default;
};

// RFC 5321 section 4.1.2: a path as it stands in MAIL and RCPT: "<@a,@b:user@example.com>". The source route is checked
// and dropped (appendix C); "<>" is the null address; a missing domain is not an error. The Error says what is wrong.
Result<Address> parse_path(std::string_view text, const Syntax& syntax = {});

// One address in the external form, without <>: `user@example.com`, `"a b"@example.com`, `user`.
Result<Address> parse_external(std::string_view text, const Syntax& syntax = {});

// The internal form taken apart at its last @. Anything is an address here: no checks.
Address from_internal(std::string_view text);

// A path at the start of a text that goes on behind it, as in an SMTP command: its length. Quoted strings may contain anything.
std::size_t path_length(std::string_view text);

// RFC 5322 section 3.2.4: with quotes around it and backslashes within if it is not a dot-atom.
std::string quote_local_part(std::string_view local_part);

// RFC 5321 section 4.1.2: labels of letters, digits and inner hyphens, at most 63 bytes each; underscores are let through, as
// they are in use. Not a number alone at the end (that would be an address). With utf8 also U-labels.
bool is_domain(std::string_view text, bool utf8 = false);
// RFC 5321 section 4.1.3: "[192.0.2.1]" or "[IPv6:2001:db8::1]".
bool is_address_literal(std::string_view text);
// The address in such a literal: "192.0.2.1"; nothing if it is none.
std::optional<std::string> address_in_literal(std::string_view text);

// The form of a domain for DNS and table lookups: lower case, A-labels (IDNA 2008), no dot at the end; nothing if the
// domain has no such form. Literals are returned in lower case.
std::optional<std::string> lookup_domain(std::string_view domain);

}  // namespace mta::mail
