#include "pickup/envelope.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"
#include "mail/dsn.h"
#include "mime/date.h"
#include "queue/id.h"

namespace mta::pickup {

namespace {

constexpr std::size_t max_full_name_bytes = 200;

bool has_control(std::string_view text)
{
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
}

Error bad(std::string_view what, std::string_view value, const char* status)
{
    return Error{cat("bad ", what, ": \"", printable(value.substr(0, 100)), "\""), status};
}

}  // namespace

Result<std::string> checked_address(std::string_view address, std::string_view myorigin)
{
    if (address.empty() || address.back() == '@' || has_control(address))
        return bad("address syntax", address, "5.1.3");
    auto parsed = mail::from_internal(address);
    // What an SMTP client could not say does not go into the queue either.
    mail::Syntax syntax;
    syntax.utf8 = true;
    auto strict = mail::parse_external(parsed.external(), syntax);
    if (!strict || strict->local_part.empty() || *strict != parsed)
        return bad("address syntax", address, "5.1.3");
    if (parsed.domain.empty())
        parsed.domain = myorigin;
    return parsed.internal();
}

Result<service::Mail> checked_mail(const service::Mail& submitted, const std::string& queue_id, std::string_view myorigin)
{
    service::Mail mail;
    mail.queue_id = queue_id;
    mail.origin = submitted.origin == "gateway" ? "gateway" : "local";
    mail.arrival = queue::now();
    mail.extract_recipients = submitted.extract_recipients;
    if (!submitted.reverse_path.empty()) {
        auto sender = checked_address(submitted.reverse_path, myorigin);
        if (!sender)
            return Error{cat("sender: ", sender.error().text), "5.1.7"};
        mail.reverse_path = *sender;
    }
    if (!submitted.body.empty() && submitted.body != "7BIT" && submitted.body != "8BITMIME")
        return bad("body type", submitted.body, "5.5.4");
    mail.body = submitted.body;
    auto ret = mail::parse_ret(submitted.ret);
    if (!submitted.ret.empty() && !ret)
        return bad("RET value", submitted.ret, "5.5.4");
    mail.ret = ret ? mail::text_of(*ret) : "";
    if (!submitted.envid.empty() && !mail::is_envid(submitted.envid))
        return bad("envelope ID", submitted.envid, "5.5.4");
    mail.envid = submitted.envid;
    if (has_control(submitted.full_name) || submitted.full_name.size() > max_full_name_bytes)
        return bad("full name", submitted.full_name, "5.5.4");
    mail.full_name = submitted.full_name;
    return mail;
}

Result<service::MailRecipient> checked_recipient(const service::MailRecipient& submitted, std::string_view myorigin)
{
    auto address = checked_address(submitted.address, myorigin);
    if (!address)
        return Error{cat("recipient: ", address.error().text), "5.1.3"};
    service::MailRecipient recipient;
    recipient.address = *address;
    auto notify = mail::Notify::parse(submitted.notify);
    if (!submitted.notify.empty() && !notify)
        return bad("NOTIFY value", submitted.notify, "5.5.4");
    recipient.notify = notify ? notify->text() : "";
    if (!submitted.orcpt.empty() && !mail::OriginalRecipient::parse(submitted.orcpt))
        return bad("ORCPT value", submitted.orcpt, "5.5.4");
    recipient.orcpt = submitted.orcpt;
    return recipient;
}

std::string received_field(uid_t uid, std::string_view queue_id, std::string_view hostname, std::string_view mail_name, std::int64_t arrival)
{
    auto seconds = arrival / 1000000;
    auto date = mime::format_date(mime::DateTime::from_unix(seconds, mime::local_zone(seconds)));
    return cat("Received: by ", hostname, " (", mail_name, ", from userid ", uid, ")\n\tid ", queue_id, "; ", date, "\n");
}

}  // namespace mta::pickup
