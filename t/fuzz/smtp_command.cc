// Covers: lib/smtp/command.cc lib/mail/dsn.cc
#include "smtp/command.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"

// The commands of RFC 5321 with their arguments, as front and smtpd parse them.
namespace {

using namespace mta;

// The text of an Error is the whole reply for the client.
void check_refusal(const Error& error)
{
    HOLDS(error.text.size() > 10 && (error.text[0] == '4' || error.text[0] == '5') && error.text[3] == ' ');
    HOLDS(error.text.find_first_of("\r\n") == std::string::npos);
}

void check_address(const mail::Address& address)
{
    HOLDS(address.local_part.size() <= mail::max_path_bytes && address.domain.size() <= mail::max_domain_bytes);
    HOLDS(address.internal().find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos);
}

void check_mail(std::string_view argument, const smtp::Rules& rules)
{
    auto mail = smtp::parse_mail_from(argument, rules);
    if (!mail)
        return check_refusal(mail.error());
    check_address(mail->reverse_path);
    HOLDS(mail->body.empty() || mail->body == "7BIT" || mail->body == "8BITMIME");
    HOLDS(mail->envid.empty() || mail::is_envid(mail->envid));
    HOLDS(rules.max_size == 0 || !mail->size || *mail->size <= rules.max_size);
}

void check_rcpt(std::string_view argument, const smtp::Rules& rules)
{
    auto rcpt = smtp::parse_rcpt_to(argument, rules);
    if (!rcpt)
        return check_refusal(rcpt.error());
    HOLDS(!rcpt->forward_path.is_null());
    check_address(rcpt->forward_path);
    if (!rcpt->notify.empty()) {
        auto notify = mail::Notify::parse(rcpt->notify);
        HOLDS(notify && mail::Notify::parse(notify->text()));
        HOLDS(!notify->for_copies().success || notify->never);
    }
    if (!rcpt->orcpt.empty()) {
        auto original = mail::OriginalRecipient::parse(rcpt->orcpt);
        HOLDS(original);
        auto again = mail::OriginalRecipient::parse(original->text());
        HOLDS(again && again->address == original->address && again->type == original->type);
    }
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    smtp::Rules rules{in.flag(), in.flag() ? 1000000u : 0u};
    auto line = in.rest();
    auto command = smtp::parse_command(line);
    if (!command)
        return check_refusal(command.error());
    HOLDS(!command->verb.empty() && command->verb.size() <= smtp::max_verb_bytes && upper(command->verb) == command->verb);
    HOLDS(trim(command->argument) == command->argument);
    check_mail(command->argument, rules);
    check_rcpt(command->argument, rules);
    mail::parse_ret(command->argument);
    mail::Notify::parse(command->argument);
    if (auto helo = smtp::parse_helo(command->argument)) {
        HOLDS(!helo->is_full || helo->is_valid);
        HOLDS(helo->name.find_first_of(std::string_view(" \0\r\n", 4)) == std::string::npos);
    }
}
