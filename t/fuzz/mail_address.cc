// Covers: lib/mail/address.cc lib/mail/domain.cc lib/mail/extension.cc
#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "mail/address.h"
#include "mail/extension.h"

// RFC 5321 paths and addresses: printed and parsed again they are the same; domains with IDNA.
namespace {

using namespace mta;

void check_path(std::string_view text, const mail::Syntax& syntax)
{
    auto path = mail::parse_path(text, syntax);
    if (!path) {
        HOLDS(path.error().status[0] == '5' && mail::path_length(text) <= text.size());
        return;
    }
    if (syntax.brackets)
        HOLDS(mail::path_length(text) == text.size());
    HOLDS(syntax.utf8 ? is_utf8(path->internal()) : is_ascii(path->internal()));
    auto again = mail::parse_path(cat("<", path->external(), ">"), {syntax.utf8, true});
    HOLDS(again && *again == *path);
    HOLDS(mail::from_internal(path->internal()) == *path || path->domain.empty());
}

void check_external(std::string_view text, bool utf8)
{
    auto address = mail::parse_external(text, {utf8, false});
    if (!address)
        return;
    auto again = mail::parse_external(address->external(), {utf8, false});
    HOLDS(again && *again == *address);
}

// Anything is an address inside of the suite; quoted, its local part is what it was.
void check_internal(std::string_view text)
{
    auto address = mail::from_internal(text);
    HOLDS(address.internal() == text || (address.domain.empty() && text.ends_with('@')));
    auto quoted = mail::quote_local_part(address.local_part);
    bool is_clean = !address.local_part.empty() && address.local_part.size() <= mail::max_local_part_bytes && is_utf8(address.local_part) &&
                    std::none_of(address.local_part.begin(), address.local_part.end(), [](char c) { return (c >= 0 && c < ' ') || c == 127; });
    auto parsed = mail::parse_external(quoted, {true, false});
    HOLDS(!is_clean || (parsed && parsed->local_part == address.local_part));
}

void check_domain(std::string_view text)
{
    if (mail::is_domain(text)) {
        HOLDS(mail::is_domain(text, true) && is_ascii(text) && text.size() <= mail::max_domain_bytes + 1);
        HOLDS(!mail::is_address_literal(text));
    }
    HOLDS(mail::is_address_literal(text) == mail::address_in_literal(text).has_value());
    auto lookup = mail::lookup_domain(text);
    if (!lookup || !mail::is_domain(text, true))
        return;
    HOLDS(is_ascii(*lookup) && lower(*lookup) == *lookup);
    auto again = mail::lookup_domain(*lookup);
    HOLDS(again == lookup);
}

void check_extension(std::string_view text)
{
    auto split = mail::split_extension(text, "+-");
    if (split.has_extension())
        HOLDS(cat(split.user, split.delimiter, split.extension) == text);
    else
        HOLDS(split.user == text && split.extension.empty());
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    mail::Syntax syntax{in.flag(), in.flag()};
    auto text = in.rest();
    check_path(text, syntax);
    check_external(text, syntax.utf8);
    check_internal(text);
    check_domain(text);
    check_extension(text);
}
