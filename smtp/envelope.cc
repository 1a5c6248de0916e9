#include "smtp/envelope.h"

#include <algorithm>

#include "base/text.h"

namespace mta::smtpc {

namespace {

// RFC 5321 section 4.1.2: atext and dots, no dot at an end nor two in a row. RFC 6531: and everything beyond ASCII.
bool is_dot_string(std::string_view local)
{
    if (local.empty() || local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos)
        return false;
    return std::all_of(local.begin(), local.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 128 || std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
    });
}

// RFC 3461: xtext, keywords and lists are printable ASCII without blanks; anything else must not get into a command.
bool is_parameter(std::string_view value)
{
    return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 127; });
}

void add_parameter(std::string& command, std::string_view name, std::string_view value)
{
    if (is_parameter(value))
        command += cat(" ", name, "=", value);
}

}  // namespace

std::string quoted_path(std::string_view address)
{
    auto at = address.rfind('@');
    auto local = address.substr(0, at);
    if (address.empty() || is_dot_string(local))
        return std::string(address);
    std::string quoted = "\"";
    for (char c : local)
        quoted += c == '"' || c == '\\' ? cat('\\', c) : std::string(1, c);
    quoted += '"';
    return at == std::string_view::npos ? quoted : cat(quoted, address.substr(at));
}

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
    auto command = cat("MAIL FROM:<", quoted_path(request.reverse_path), ">");
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
    auto command = cat("RCPT TO:<", quoted_path(recipient.address), ">");
    if (features.dsn) {
        add_parameter(command, "NOTIFY", recipient.notify);
        add_parameter(command, "ORCPT", recipient.orcpt);
    }
    return command;
}

}  // namespace mta::smtpc
