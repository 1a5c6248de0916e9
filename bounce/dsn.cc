#include "bounce/dsn.h"

#include <algorithm>

#include "base/encode.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/dsn.h"
#include "mail/status.h"
#include "mime/date.h"

namespace mta::bounce {

namespace {

constexpr std::size_t wrap_column = 78;
constexpr std::size_t max_boundary_bytes = 70;  // RFC 2046 section 5.1.1

std::string date(std::int64_t microseconds)
{
    auto seconds = microseconds / 1000000;
    return mime::format_date(mime::DateTime::from_unix(seconds, mime::local_zone(seconds)));
}

// As in header fields: with quotes if the local part needs them.
std::string shown(const std::string& address) { return printable(mail::from_internal(address).external()); }

bool notify_allows(const std::string& notify, std::string_view what, bool by_default)
{
    return notify.empty() ? by_default : upper(notify).find(what) != std::string::npos;
}

std::string_view subject(Kind kind, bool is_double)
{
    switch (kind) {
    case Kind::failure: return is_double ? "Postmaster Copy: Undelivered Mail" : "Undelivered Mail Returned to Sender";
    case Kind::delay: return "Delayed Mail (still being retried)";
    case Kind::success: return "Successful Mail Delivery Report";
    }
    return "";
}

std::string_view description(Kind kind)
{
    switch (kind) {
    case Kind::failure: return "Undelivered Message";
    case Kind::delay: return "Delayed Message";
    case Kind::success: return "Delivered Message";
    }
    return "";
}

// What a person reads first.
std::string introduction(Kind kind, const Params& params)
{
    auto host = params.myhostname();
    auto head = cat("This is the mail system at host ", host, ".\n\n");
    switch (kind) {
    case Kind::failure:
        return cat(head, "Your message did not reach the recipients below, and nobody will try\nagain. Behind each address is the reason; the "
                         "message follows at the end.\n\nIf the reason does not help you, write to postmaster and send this\nreport along.\n\n");
    case Kind::delay:
        return cat(head, "Your message could not be delivered so far. It is still being tried,\nfor ",
                   std::chrono::duration_cast<std::chrono::hours>(params.maximal_queue_lifetime()).count(),
                   " hours in all. You need not send it again.\n\n");
    case Kind::success:
        return cat(head, "Your message was successfully delivered to the recipients listed\nbelow. If it was delivered to a "
                         "mailbox, nobody has read it because of\nthat; if it was handed to another host, that host may not "
                         "notify you again.\n\n");
    }
    return head;
}

// Breaks long texts at spaces, further lines indented.
std::string wrapped(std::string_view text)
{
    std::string out, line;
    for (auto word : split_words(text, " ")) {
        if (!line.empty() && line.size() + 1 + word.size() > wrap_column) {
            out += line + "\n";
            line = "    ";
        } else if (!line.empty()) {
            line += ' ';
        }
        line += word;
    }
    return out + line + "\n";
}

std::string explanation(const queue::Recipient& recipient, const queue::Outcome& outcome)
{
    auto text = cat("<", shown(recipient.address), ">");
    if (!recipient.original.empty())
        text += cat(" (expanded from <", shown(recipient.original), ">)");
    return wrapped(cat(text, ": ", printable(outcome.text))) + "\n";
}

std::string_view action_for(Kind kind, const queue::Outcome& outcome)
{
    if (kind == Kind::failure)
        return "failed";
    if (kind == Kind::delay)
        return "delayed";
    return outcome.relayed || !outcome.mta.empty() ? "relayed" : "delivered";
}

// RFC 3464 section 2.3. A permanent failure must not carry a temporary code: expired mail keeps its last reason (4.x.x),
// which section 2.3.4 allows.
std::string recipient_fields(Kind kind, const queue::Recipient& recipient, const queue::Outcome& outcome)
{
    std::string out = "\n";
    if (auto orcpt = mail::OriginalRecipient::parse(recipient.orcpt))  // RFC 3464 section 2.3.1: without xtext
        out += cat("Original-Recipient: ", printable(orcpt->type), "; ", printable(orcpt->address), "\n");
    else if (!recipient.original.empty())
        out += cat("Original-Recipient: rfc822; ", shown(recipient.original), "\n");
    out += cat("Final-Recipient: rfc822; ", shown(recipient.address), "\n");
    auto status = mail::is_status(outcome.status) ? outcome.status : kind == Kind::failure ? "5.0.0" : kind == Kind::delay ? "4.0.0" : "2.0.0";
    out += cat("Action: ", action_for(kind, outcome), "\nStatus: ", status, "\n");
    if (!outcome.mta.empty())
        out += cat("Remote-MTA: dns; ", printable(outcome.mta), "\n");
    auto diagnostic = outcome.reply.empty() ? outcome.text : outcome.reply;
    out += wrapped(cat("Diagnostic-Code: ", outcome.reply.empty() ? "X-Buuta; " : "smtp; ", printable(diagnostic)));
    out += cat("Last-Attempt-Date: ", date(outcome.time), "\n");
    return out;
}

std::string header(const Report& report, const std::string& boundary, const Params& params)
{
    auto seconds = report.time / 1000000;
    auto utc = mime::DateTime::from_unix(seconds);
    auto two = [](int n) { return cat(n < 10 ? "0" : "", n); };
    return cat("Date: ", date(report.time), "\nFrom: MAILER-DAEMON@", params.myorigin(), " (Mail Delivery System)\nSubject: ",
               subject(report.kind, report.is_double), "\nTo: ", shown(report.to),
               "\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n"
               "\tboundary=\"", boundary, "\"\nContent-Transfer-Encoding: 8bit\nMessage-Id: <", utc.year, two(utc.month), two(utc.day),
               two(utc.hour), two(utc.minute), two(utc.second), ".", report.queue_id, "@", params.myhostname(), ">\n\n");
}

std::string status_part(const queue::Mail& mail, const std::vector<std::size_t>& recipients, const Report& report, const Params& params)
{
    auto out = cat("Reporting-MTA: dns; ", params.myhostname(), "\n");
    if (auto envid = xtext_decode(mail.envelope.envid); envid && !envid->empty())
        out += cat("Original-Envelope-Id: ", printable(*envid), "\n");
    out += cat("X-Buuta-Queue-ID: ", mail.envelope.queue_id, "\nX-Buuta-Sender: rfc822; ", shown(mail.envelope.reverse_path),
               "\nArrival-Date: ", date(mail.envelope.arrival), "\n");
    for (auto i : recipients)
        out += recipient_fields(report.kind, mail.envelope.recipients[i], *mail.outcomes[i]);
    return out;
}

}  // namespace

std::vector<std::size_t> recipients_for(const queue::Mail& mail, Kind kind)
{
    // DSNs themselves have NOTIFY=NEVER; who gets to know that they are undeliverable is postmaster, not their sender.
    bool to_postmaster = mail.envelope.reverse_path.empty();
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < mail.outcomes.size(); ++i) {
        const auto& outcome = mail.outcomes[i];
        const auto& notify = mail.envelope.recipients[i].notify;
        if (!outcome || outcome->notified)
            continue;
        bool fits = kind == Kind::failure   ? outcome->has_failed() && (to_postmaster || notify_allows(notify, "FAILURE", true))
                    : kind == Kind::delay   ? !outcome->is_final() && notify_allows(notify, "DELAY", true)
                                            : outcome->action == "sent" && notify_allows(notify, "SUCCESS", false);
        if (fits)
            out.push_back(i);
    }
    return out;
}

std::optional<Plan> plan(const queue::Mail& mail, Kind kind, const Params& params)
{
    Plan plan;
    plan.recipients = recipients_for(mail, kind);
    auto double_sender = cat(params.double_bounce_sender(), "@", params.myorigin());
    if (plan.recipients.empty() || mail.envelope.reverse_path == double_sender)
        return std::nullopt;
    plan.to = mail.envelope.reverse_path;
    plan.is_double = plan.to.empty();
    if (!plan.is_double)
        return plan;
    const auto& classes = params.notify_classes();
    if (kind != Kind::failure || std::find(classes.begin(), classes.end(), "2bounce") == classes.end())
        return std::nullopt;
    plan.reverse_path = double_sender;
    plan.to = params.twobounce_notice_recipient();
    if (plan.to.find('@') == std::string::npos)
        plan.to += cat("@", params.myorigin());
    return plan;
}

std::string format(const queue::Mail& mail, const std::vector<std::size_t>& recipients, const Report& report, const Params& params)
{
    auto boundary = cat(report.queue_id, ".", report.time, "/", params.myhostname()).substr(0, max_boundary_bytes);
    auto out = header(report, boundary, params);
    out += cat("This is a MIME-encapsulated message.\n\n--", boundary,
               "\nContent-Description: Notification\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n",
               introduction(report.kind, params));
    out += cat("                   The mail system\n\n");
    for (auto i : recipients)
        out += explanation(mail.envelope.recipients[i], *mail.outcomes[i]);
    out += cat("--", boundary, "\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\n",
               status_part(mail, recipients, report, params));
    out += cat("\n--", boundary, "\nContent-Description: ", description(report.kind), report.is_whole ? "" : " Headers",
               "\nContent-Type: ", report.is_whole ? "message/rfc822" : "text/rfc822-headers", "\nContent-Transfer-Encoding: 8bit\n\n",
               report.content);
    if (!report.content.empty() && report.content.back() != '\n')
        out += '\n';
    return out + cat("\n--", boundary, "--\n");
}

}  // namespace mta::bounce
