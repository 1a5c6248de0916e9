#include "smtp/envelope.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"

namespace mta::smtpc {

namespace {

// RFC 3461: xtext, keywords and lists are printable ASCII without blanks; anything else must not get into a command.
bool is_parameter(std::string_view value)
{
    return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 127; });
}

std::string external(std::string_view address) { return mail::from_internal(address).external(); }

void add_parameter(std::string& command, std::string_view name, std::string_view value)
{
    if (is_parameter(value))
        command += cat(" ", name, "=", value);
}

}  // namespace

bool is_sendable(std::string_view address)
{
    return std::all_of(address.begin(), address.end(), [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 127; });
}

bool needs_utf8(const service::DeliveryRequest& request)
{
    return !is_ascii(request.reverse_path) ||
           std::any_of(request.recipients.begin(), request.recipients.end(), [](const auto& recipient) { return !is_ascii(recipient.address); });
}

std::string mail_command(const service::DeliveryRequest& request, const Features& features)
{
    auto command = cat("MAIL FROM:<", external(request.reverse_path), ">");
    if (features.size)
        add_parameter(command, "SIZE", cat(request.size));
    if (features.eight_bit && request.body == "8BITMIME")
        add_parameter(command, "BODY", request.body);
    if (features.utf8 && needs_utf8(request))
        command += " SMTPUTF8";
    if (features.dsn) {
        add_parameter(command, "RET", request.ret);
        add_parameter(command, "ENVID", request.envid);
    }
    return command;
}

std::string rcpt_command(const service::DeliveryRecipient& recipient, const Features& features)
{
    auto command = cat("RCPT TO:<", external(recipient.address), ">");
    if (features.dsn) {
        add_parameter(command, "NOTIFY", recipient.notify);
        add_parameter(command, "ORCPT", recipient.orcpt);
    }
    return command;
}

}  // namespace mta::smtpc
