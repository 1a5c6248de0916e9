#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mta::mail {

// RFC 3463 section 2: class 2, 4 or 5, subject and detail of one to three digits each.
bool is_status(std::string_view text);

// A reply or a reason with its enhanced status: "5.1.1 unknown user".
struct StatusText {
    std::string status;
    std::string_view text;  // behind the status, into the argument
};
// Takes "5.1.1 text" apart; a text without a status gets the default.
StatusText split_status(std::string_view text, std::string_view default_status);

// The status with another class: "5.1.1" becomes "4.1.1" (soft_bounce, and what a DSN says of a delay).
std::string with_class(std::string_view status, char status_class);

// RFC 5248 and common use: the SMTP reply code that goes with an enhanced status: 550 for 5.1.1, 552 for 5.3.4, 451
// for 4.3.0; the generic code of its class where no better one is known.
int reply_code(std::string_view status);

// An Error as a line for the client, "451 4.3.0 text".
std::string reply_line(const Error& error);

}  // namespace mta::mail
