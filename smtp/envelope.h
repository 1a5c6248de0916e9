#pragma once

#include <string>
#include <string_view>

#include "service/delivery.h"
#include "smtp/session.h"

// The commands of a transaction.
namespace mta::smtpc {

// Whether the address can stand in a command at all: no control characters.
bool is_sendable(std::string_view address);

// Whether a server must know SMTPUTF8 (RFC 6531) for these recipients.
bool needs_utf8(const service::DeliveryRequest& request);

std::string mail_command(const service::DeliveryRequest& request, const Features& features);
std::string rcpt_command(const service::DeliveryRecipient& recipient, const Features& features);

}  // namespace mta::smtpc
