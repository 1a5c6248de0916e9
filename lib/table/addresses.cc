#include "base/text.h"
#include "table/maps.h"

// The search orders of Postfix's manuals: access(5), canonical(5), virtual(5), transport(5).
namespace mta::table {

std::size_t extension_of(std::string_view local_part, std::string_view delimiters)
{
    constexpr auto none = std::string_view::npos;
    if (iequals(local_part, "mailer-daemon") || iequals(local_part, "double-bounce"))
        return none;
    // owner_request_special: with "-" as delimiter these would lose their meaning.
    bool is_special = istarts_with(local_part, "owner-") ||
                      (local_part.size() > 8 && iequals(local_part.substr(local_part.size() - 8), "-request"));
    if (is_special && delimiters.find('-') != none)
        return none;
    auto at = local_part.find_first_of(delimiters);
    return at == 0 || delimiters.empty() ? none : at;
}

namespace {

struct Parts {
    std::string_view local, domain;  // domain without its "@"
    bool has_domain;
    std::string_view user, extension;  // of local; extension with its delimiter
};

Parts split_address(std::string_view address, std::string_view delimiters)
{
    Parts parts{};
    auto at = address.rfind('@');
    parts.has_domain = at != std::string_view::npos;
    parts.local = address.substr(0, at);
    if (parts.has_domain)
        parts.domain = address.substr(at + 1);
    auto extension = extension_of(parts.local, delimiters);
    parts.user = parts.local.substr(0, extension);
    if (extension != std::string_view::npos)
        parts.extension = parts.local.substr(extension);
    return parts;
}

std::string with_domain(std::string_view local, const Parts& parts)
{
    return parts.has_domain ? cat(local, "@", parts.domain) : std::string(local);
}

// Asks in an order until something is found or cannot be told.
class Search {
public:
    explicit Search(const Maps& maps) : maps_(maps) {}
    // True if there is nothing more to ask.
    bool done(std::string_view key, Key kind)
    {
        found_ = maps_.find(key, kind);
        return !found_ || found_->has_value();
    }
    Found take() { return std::move(found_); }

private:
    const Maps& maps_;
    Found found_{std::optional<std::string>{}};
};

// The domain and those above it: as they are, or with a leading dot; the domain itself always as it is.
bool search_domains(Search& search, std::string_view domain, bool parents_match, Key first_kind)
{
    if (domain.empty())
        return false;
    if (search.done(domain, first_kind))
        return true;
    bool is_address_literal = domain.front() == '[';
    for (auto dot = domain.find('.', 1); dot != std::string_view::npos && !is_address_literal; dot = domain.find('.', dot + 1))
        if (search.done(domain.substr(parents_match ? dot + 1 : dot), Key::part))
            return true;
    return false;
}

AddressFound answer(Found found, std::string_view extension)
{
    if (!found)
        return found.error();
    if (!*found)
        return std::optional<AddressHit>{};
    return std::optional(AddressHit{std::move(**found), std::string(extension)});
}

}  // namespace

AddressFound find_mailbox(const Maps& maps, std::string_view address, std::string_view delimiters)
{
    auto parts = split_address(address, delimiters);
    Search search(maps);
    if (search.done(address, Key::whole))
        return answer(search.take(), "");
    if (!parts.extension.empty() && search.done(with_domain(parts.user, parts), Key::part))
        return answer(search.take(), parts.extension);
    if (parts.has_domain)
        search.done(cat("@", parts.domain), Key::part);
    return answer(search.take(), "");
}

AddressFound find_address(const Maps& maps, std::string_view address, const AddressOptions& options)
{
    auto parts = split_address(address, options.delimiters);
    Search search(maps);
    if (search.done(address, Key::whole))
        return answer(search.take(), "");
    if (!parts.extension.empty() && search.done(with_domain(parts.user, parts), Key::part))
        return answer(search.take(), parts.extension);
    if (!parts.has_domain)
        return answer(search.take(), "");
    auto local = options.is_local ? options.is_local(parts.domain) : Result<bool>(false);
    if (!local)
        return local.error();
    if (*local && search.done(parts.local, Key::part))
        return answer(search.take(), "");
    if (*local && !parts.extension.empty() && search.done(parts.user, Key::part))
        return answer(search.take(), parts.extension);
    search.done(cat("@", parts.domain), Key::part);
    return answer(search.take(), "");
}

Found find_transport(const Maps& maps, std::string_view address, std::string_view delimiters, bool parents_match)
{
    auto parts = split_address(address, delimiters);
    Search search(maps);
    if (search.done(address, Key::whole) ||
        (!parts.extension.empty() && search.done(with_domain(parts.user, parts), Key::part)) ||
        search_domains(search, parts.domain, parents_match, Key::part))
        return search.take();
    search.done("*", Key::whole);
    return search.take();
}

Found find_access(const Maps& maps, std::string_view address, std::string_view delimiters, bool parents_match)
{
    auto parts = split_address(address, delimiters);
    Search search(maps);
    if (search.done(address, Key::whole) ||
        (!parts.extension.empty() && search.done(with_domain(parts.user, parts), Key::part)) ||
        search_domains(search, parts.domain, parents_match, Key::part) || !parts.has_domain ||
        search.done(cat(parts.local, "@"), Key::part))
        return search.take();
    if (!parts.extension.empty())
        search.done(cat(parts.user, "@"), Key::part);
    return search.take();
}

Found find_host_access(const Maps& maps, std::string_view host, bool parents_match)
{
    Search search(maps);
    search_domains(search, host, parents_match, Key::whole);
    return search.take();
}

Found find_address_access(const Maps& maps, std::string_view ip_address)
{
    Search search(maps);
    if (search.done(ip_address, Key::whole))
        return search.take();
    char separator = ip_address.find(':') != std::string_view::npos ? ':' : '.';
    for (auto end = ip_address.rfind(separator); end != std::string_view::npos && end != 0;) {
        ip_address = ip_address.substr(0, end);
        while (ip_address.ends_with(separator))  // "2001:db8::1": no key ends in a colon
            ip_address.remove_suffix(1);
        if (search.done(ip_address, Key::part))
            break;
        end = ip_address.rfind(separator);
    }
    return search.take();
}

}  // namespace mta::table
