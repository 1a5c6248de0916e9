#include "pipe/expand.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/text.h"
#include "config/config.h"
#include "deliver/content.h"
#include "mail/address.h"
#include "mail/extension.h"

namespace mta::pipe {

namespace {

constexpr std::array<std::string_view, 6> recipient_names{"domain", "extension", "mailbox", "original_recipient", "recipient", "user"};
constexpr std::array<std::string_view, 13> request_names{"client_address", "client_helo", "client_hostname", "client_port", "client_protocol",
                                                         "envid", "nexthop", "queue_id", "sasl_method", "sasl_sender", "sasl_username", "sender", "size"};
constexpr std::string_view unknown = "unknown";  // what clients are called of whom nothing is known

template <class List>
bool contains(const List& list, std::string_view word)
{
    return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_name_character(char c) { return is_alpha(c) || is_digit(c) || c == '_'; }

// The macro that begins at text[0], a dollar: its name and length. "$$" has an empty name.
struct Reference {
    std::string_view name;
    std::size_t length;
};

Result<Reference> reference_at(std::string_view text)
{
    if (text.size() > 1 && text[1] == '$')
        return Reference{"", 2};
    std::size_t begin = 1;
    char closing = 0;
    if (text.size() > 1 && (text[1] == '{' || text[1] == '(')) {
        closing = text[1] == '{' ? '}' : ')';
        begin = 2;
    }
    auto end = begin;
    while (end < text.size() && is_name_character(text[end]))
        ++end;
    auto name = text.substr(begin, end - begin);
    if (name.empty() || (closing && (end >= text.size() || text[end] != closing)))
        return failure(cat("bad macro in \"", text, "\"; must be ${name}"));
    return Reference{name, end + (closing ? 1 : 0)};
}

// Calls with each piece of plain text and each macro, in order.
Result<void> walk(std::string_view text, const std::function<void(std::string_view)>& plain, const std::function<void(std::string_view)>& macro)
{
    while (!text.empty()) {
        auto dollar = std::min(text.find('$'), text.size());
        if (dollar > 0)
            plain(text.substr(0, dollar));
        text.remove_prefix(dollar);
        if (text.empty())
            break;
        auto reference = reference_at(text);
        if (!reference)
            return reference.error();
        reference->name.empty() ? plain("$") : macro(reference->name);
        text.remove_prefix(reference->length);
    }
    return {};
}

bool names_recipient(std::string_view text)
{
    bool found = false;
    (void)bool(walk(text, [](auto) {}, [&](auto name) { found = found || contains(recipient_names, name); }));
    return found;
}

Result<std::string> expand(std::string_view text, const Macros& request, const Macros& recipient, bool may_begin_with_dash)
{
    std::string result;
    auto done = walk(text, [&](auto plain) { result += plain; }, [&](auto name) {
        const auto& macros = contains(recipient_names, name) ? recipient : request;
        if (auto found = macros.find(name); found != macros.end())
            result += found->second;
    });
    if (!done)
        return done.error();
    if (!may_begin_with_dash && result.starts_with('-') && !text.starts_with('-'))
        return Error{cat("bad address syntax: \"", result, "\" begins with a dash"), names_recipient(text) ? "5.1.3" : "5.1.7"};
    return result;
}

// An address as the flags h, q, u want it.
std::string styled(std::string_view address, const Attributes& attributes)
{
    auto parts = mail::from_internal(address);
    if (attributes.folds_local_part)
        parts.local_part = lower(parts.local_part);
    if (attributes.folds_domain)
        parts.domain = lower(parts.domain);
    return attributes.quotes_local_part ? parts.external() : parts.internal();
}

std::string known(const std::string& text) { return text.empty() ? std::string(unknown) : text; }

}  // namespace

Result<void> check_template(std::string_view text)
{
    std::vector<std::string> names(recipient_names.begin(), recipient_names.end());
    names.insert(names.end(), request_names.begin(), request_names.end());
    std::optional<Error> error;
    auto done = walk(text, [](auto) {}, [&](auto name) {
        if (contains(names, name) || error)
            return;
        auto guess = config::nearest(name, names);
        error = failure(cat("argv=: unknown macro \"", name, "\"", guess ? cat("; did you mean \"", *guess, "\"?") : ""));
    });
    if (!done)
        return done;
    return error ? Result<void>(*error) : Result<void>();
}

Macros request_macros(const service::DeliveryRequest& request, const Attributes& attributes)
{
    const auto& sender = request.reverse_path.empty() ? attributes.null_sender : request.reverse_path;
    return {{"client_address", known(request.client_address)},
            {"client_helo", known(request.helo)},
            {"client_hostname", known(request.client_name)},
            {"client_port", std::string(unknown)},
            {"client_protocol", known(request.protocol)},
            {"envid", request.envid},
            {"nexthop", attributes.folds_domain ? lower(request.nexthop) : request.nexthop},
            {"queue_id", request.queue_id},
            {"sasl_method", request.sasl_method},
            {"sasl_sender", ""},
            {"sasl_username", request.sasl_username},
            {"sender", attributes.quotes_local_part ? deliver::quoted(sender) : sender},
            {"size", cat(request.size)}};
}

Macros recipient_macros(const service::DeliveryRecipient& recipient, const Attributes& attributes, std::string_view delimiters)
{
    auto [mailbox, domain] = mail::from_internal(recipient.address);
    if (attributes.folds_local_part)
        mailbox = lower(mailbox);
    auto split = mail::split_extension(mailbox, delimiters);
    const auto& original = recipient.orig_to.empty() ? recipient.address : recipient.orig_to;
    return {{"domain", attributes.folds_domain ? lower(domain) : domain},
            {"extension", std::string(split.extension)},
            {"mailbox", mailbox},
            {"original_recipient", styled(original, attributes)},
            {"recipient", styled(recipient.address, attributes)},
            {"user", std::string(split.user)}};
}

Result<std::vector<std::string>> expand_arguments(const std::vector<std::string>& templates, const Macros& request,
                                                  const std::vector<Macros>& recipients, bool may_begin_with_dash)
{
    static const Macros nobody;
    std::vector<std::string> result;
    for (const auto& text : templates) {
        std::size_t count = names_recipient(text) ? recipients.size() : 1;
        for (std::size_t i = 0; i < count; ++i) {
            auto expanded = expand(text, request, recipients.empty() ? nobody : recipients[i], may_begin_with_dash);
            if (!expanded)
                return expanded.error();
            result.push_back(*std::move(expanded));
        }
    }
    return result;
}

}  // namespace mta::pipe
