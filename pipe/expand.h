#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pipe/attributes.h"
#include "service/delivery.h"

namespace mta::pipe {

using Macros = std::map<std::string, std::string, std::less<>>;

// An Error if the template has bad syntax or names an unknown macro. Forms: $name ${name} $(name) and $$.
Result<void> check_template(std::string_view text);

// Macros that are the same for all recipients of a request: sender, nexthop, size, client_address...
Macros request_macros(const service::DeliveryRequest& request, const Attributes& attributes);
// Those that differ: recipient, original_recipient, user, extension, mailbox, domain.
Macros recipient_macros(const service::DeliveryRecipient& recipient, const Attributes& attributes, std::string_view delimiters);

// The command's arguments. An argument with a macro of recipients is repeated for each of them. Values are never
// looked at again. An argument that only begins with a dash because of a macro is an Error unless that is allowed:
// the command could take an address for an option.
Result<std::vector<std::string>> expand_arguments(const std::vector<std::string>& templates, const Macros& request,
                                                  const std::vector<Macros>& recipients, bool may_begin_with_dash);

}  // namespace mta::pipe
