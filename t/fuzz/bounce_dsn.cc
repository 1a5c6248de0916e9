// Covers: bounce/dsn.cc
#include "bounce/dsn.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "mail/status.h"
#include "mime/address.h"
#include "mime/header.h"
#include "mime/structure.h"

// A DSN about any mail and any results of its delivery is a message of three parts, with as many groups of fields in the second as
// it tells of recipients: nothing that came from outside adds a field or a part.
namespace {

using namespace mta;

const bounce::Params& params()
{
    static const auto config = *config::Config::parse("myhostname = mail.example.com\nmyorigin = example.com\n");
    static const bounce::Params params(config);
    return params;
}

queue::Mail mail_from(fuzz::Input& in)
{
    queue::Mail mail;
    mail.envelope.queue_id = "4XYZabcdefzAbCdE";
    mail.envelope.reverse_path = in.text('\n');
    mail.envelope.envid = in.text('\n');
    mail.envelope.arrival = 1'700'000'000'000'000;
    auto count = 1 + in.number(3);
    constexpr std::string_view actions[] = {"bounced", "expired", "deferred", "sent"};
    for (std::size_t i = 0; i < count; ++i) {
        queue::Recipient recipient{std::string(in.text('\n')), std::string(in.text('\n')), std::string(in.text('\n')), std::string(in.text('\n'))};
        queue::Outcome outcome;
        outcome.number = static_cast<long>(i);
        outcome.action = actions[in.number(4)];
        outcome.status = in.text('\0');
        outcome.text = in.text('\0');
        outcome.mta = in.text('\0');
        outcome.reply = in.text('\0');
        outcome.time = mail.envelope.arrival;
        mail.envelope.recipients.push_back(recipient);
        mail.outcomes.push_back(outcome);
    }
    return mail;
}

// The groups of the delivery status, separated by empty lines (RFC 3464 section 2.1).
void check_groups(std::string_view body, std::size_t recipients)
{
    std::size_t groups = 0;
    while (!body.empty()) {
        auto size = mime::header_size(body);
        mime::Header fields(body.substr(0, size));
        for (const auto& field : fields)
            HOLDS(!field.name.empty());
        bool is_first = groups == 0;
        HOLDS(fields.count("Reporting-MTA") == (is_first ? 1u : 0u));
        for (std::string_view name : {"Final-Recipient", "Action", "Status", "Diagnostic-Code"})
            HOLDS(fields.count(name) == (is_first ? 0u : 1u));
        HOLDS(is_first || mail::is_status(fields.value("Status").value_or("")));
        body.remove_prefix(size);
        ++groups;
    }
    HOLDS(groups == recipients + 1);
}

void check_report(const queue::Mail& mail, bounce::Kind kind, std::string_view content, bool is_whole)
{
    auto plan = bounce::plan(mail, kind, params());
    if (!plan)
        return;
    HOLDS(!plan->recipients.empty() && !plan->to.empty());
    bounce::Report report{kind, "4XYZabcdefzAbCdF", plan->to, 1'700'000'100'000'000, std::string(content), is_whole, plan->is_double};
    auto dsn = bounce::format(mail, plan->recipients, report, params());
    HOLDS(content.find("4XYZabcdefzAbCdF") != std::string_view::npos || dsn.find('\0') == std::string::npos || content.find('\0') != std::string_view::npos);
    if (content.find("4XYZabcdefzAbCdF") != std::string_view::npos)
        return;  // nobody can know the name of a DSN beforehand, and so its boundary
    auto root = mime::parse_structure(dsn);
    HOLDS(root.kind == mime::Part::Kind::multipart && root.type.is("multipart", "report") && root.parts.size() == 3);
    auto header = mime::Header(root.header_of(dsn));
    for (std::string_view name : {"From", "To", "Subject", "Date", "Message-Id", "Auto-Submitted", "Content-Type"})
        HOLDS(header.count(name) == 1);
    std::size_t count = 0;
    for (const auto& field : header)
        count += !field.name.empty() ? 1 : 1000;
    HOLDS(count == 9);
    HOLDS(root.parts[1].type.is("message", "delivery-status"));
    check_groups(root.parts[1].body_of(dsn), plan->recipients.size());
    HOLDS(root.parts[2].type.is(is_whole ? "message" : "text", is_whole ? "rfc822" : "rfc822-headers"));
    HOLDS(root.parts[2].body_of(dsn).starts_with(content) || content.empty());
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    auto kind = static_cast<bounce::Kind>(in.number(3));
    bool is_whole = in.flag();
    auto mail = mail_from(in);
    check_report(mail, kind, in.rest(), is_whole);
}
