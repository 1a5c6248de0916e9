#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "service/cleanup.h"

// The command line of sendmail, mailq and newaliases: Postfix's, with what older mailers understood and Postfix ignores.
namespace mta::sendmail {

enum class Mode { submit, smtp, list, aliases, daemon, flush, flush_id, flush_site };

struct Options {
    Mode mode = Mode::submit;
    bool dot_ends_input = true;         // not with -i
    bool extract_recipients = false;    // -t
    std::optional<std::string> sender;  // -f, -r
    std::string full_name;              // -F
    std::string notify, ret, envid;     // -N, -R, -V (xtext)
    std::string body;                   // -B
    std::string argument;               // of -qI and -qR
    std::string directory;              // -C
    bool is_gateway = false;            // -G
    bool verbose = false;               // -v
    std::vector<std::string> recipients;
};

// An Error is about the usage.
Result<Options> parse_options(int argc, char** argv);

// The addresses in an argument: "a@example.com, B <b@example.com>" are two. An Error if there is none.
Result<std::vector<std::string>> addresses_in(const std::string& argument);
// A sender: an address with or without <>, or empty, or "<>".
Result<std::string> sender_in(const std::string& argument);

// The names, envelope and recipients as pickup wants them. sender and full_name are those to use if no option says others.
Result<service::Mail> mail_of(const Options& options, const std::string& login, const std::string& full_name);
Result<std::vector<service::MailRecipient>> recipients_of(const Options& options);

// The full name in a gecos field (getpwent(3)): up to the first comma; '&' stands for the login name with a capital.
std::string full_name_of(std::string_view gecos, std::string_view login);

// The exit status (sysexits(3)) that goes with an enhanced status.
int exit_status(std::string_view status);

}  // namespace mta::sendmail
