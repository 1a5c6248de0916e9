#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/cleanup.h"

// What a local program may say of its mail, checked before cleanup sees it.
namespace mta::pickup {

// The submitted mail with everything made anew that its sender has no say in: queue ID, origin, arrival, no client. The addresses
// get the domain if they have none. An Error (5.x) for bad addresses and values.
Result<service::Mail> checked_mail(const service::Mail& submitted, const std::string& queue_id, std::string_view myorigin);
Result<service::MailRecipient> checked_recipient(const service::MailRecipient& submitted, std::string_view myorigin);

// "user" becomes "user@domain"; the address in internal form.
Result<std::string> checked_address(std::string_view address, std::string_view myorigin);

// RFC 5321 section 4.4: the trace field of a locally submitted message.
std::string received_field(uid_t uid, std::string_view queue_id, std::string_view hostname, std::string_view mail_name, std::int64_t arrival);

}  // namespace mta::pickup
