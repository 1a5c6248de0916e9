#include "cleanup/header.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"
#include "mime/address.h"
#include "mime/date.h"
#include "mime/header.h"

namespace mta::cleanup {

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name)
{
    return std::any_of(names.begin(), names.end(), [&](const std::string& n) { return iequals(n, name); });
}

std::string with_domain(std::string address, const Params& params)
{
    return address.empty() || address.find('@') != std::string::npos ? address : cat(address, "@", params.myorigin());
}

// RFC 5322 section 3.2.4: a display name, quoted if it is not made of atoms.
std::string phrase(std::string_view name)
{
    bool is_plain = std::all_of(name.begin(), name.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == ' ' || c == '-'; });
    if (is_plain)
        return std::string(name);
    std::string out = "\"";
    for (char c : printable(name)) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

std::string from_field(const service::Mail& mail, const Params& params, bool resent)
{
    auto internal = mail.reverse_path.empty() ? cat("MAILER-DAEMON@", params.myorigin()) : with_domain(mail.reverse_path, params);
    auto address = printable(mail::from_internal(internal).external());
    auto prefix = resent ? "Resent-From: " : "From: ";
    if (mail.full_name.empty())
        return cat(prefix, address, "\n");
    return cat(prefix, phrase(mail.full_name), " <", address, ">\n");
}

// The fields that mail without them gets, in front of what is there (RFC 5322 section 3.6).
std::string missing_fields(const mime::Header& fields, const service::Mail& mail, const Params& params, bool resent)
{
    std::string prefix = resent ? "Resent-" : "";
    std::string out;
    auto seconds = mail.arrival / 1000000;
    auto date = mime::DateTime::from_unix(seconds, mime::local_zone(seconds));
    if (!fields.has(prefix + "Date"))
        out += cat(prefix, "Date: ", mime::format_date(date), "\n");
    if (!fields.has(prefix + "Message-ID")) {
        auto utc = mime::DateTime::from_unix(seconds);
        auto two = [](int n) { return cat(n < 10 ? "0" : "", n); };
        out += cat(prefix, "Message-Id: <", utc.year, two(utc.month), two(utc.day), two(utc.hour), two(utc.minute), two(utc.second), ".",
                   mail.queue_id, "@", params.myhostname(), ">\n");
    }
    if (!fields.has(prefix + "From"))
        out += from_field(mail, params, resent);
    bool has_recipient = fields.has("To") || fields.has("Cc") || fields.has("Bcc");
    if (!resent && !has_recipient && !params.undisclosed_recipients_header().empty())
        out += cat(params.undisclosed_recipients_header(), "\n");
    return out;
}

// A recipient that SMTP could not name fails the mail: nobody is left out in silence.
Result<std::string> recipient_of(const mime::Address& address, const Params& params)
{
    mail::Address recipient{address.local_part, address.domain};
    mail::Syntax syntax;
    syntax.utf8 = true;
    if (!mail::parse_external(recipient.external(), syntax))
        return Error{cat("bad recipient address in the header: ", printable(recipient.external())), "5.1.3"};
    return with_domain(recipient.internal(), params);
}

Result<std::vector<std::string>> recipients_of(const mime::Header& fields, bool resent, const Params& params)
{
    std::vector<std::string> out;
    for (const auto& field : fields) {
        auto name = field.name;
        if (resent && istarts_with(name, "resent-"))
            name.remove_prefix(7);
        else if (resent)
            continue;
        if (!iequals(name, "to") && !iequals(name, "cc") && !iequals(name, "bcc"))
            continue;
        for (const auto& address : mime::parse_addresses(mime::unfold(field.value), field.value.size())) {
            if (address.kind != mime::Address::Kind::mailbox || address.local_part.empty())
                continue;
            auto recipient = recipient_of(address, params);
            if (!recipient)
                return recipient.error();
            out.push_back(*std::move(recipient));
        }
    }
    return out;
}

}  // namespace

Result<Header> edit_header(std::string_view block, const service::Mail& mail, const Params& params)
{
    mime::HeaderLimits limits;
    limits.field_bytes = static_cast<std::size_t>(std::max(params.header_size_limit(), 0L));
    limits.block_bytes = std::min<std::size_t>(params.header_block_size_limit().number(), max_header_bytes);
    limits.fields = params.header_field_count_limit().number();
    if (auto checked = mime::check_limits(block, limits); !checked)
        return checked.error();
    mime::Header fields(block);
    bool resent = fields.has("Resent-From") || fields.has("Resent-To") || fields.has("Resent-Cc") || fields.has("Resent-Bcc");
    Header header;
    if (mail.extract_recipients) {
        auto recipients = recipients_of(fields, resent, params);
        if (!recipients)
            return recipients.error();
        header.recipients = *std::move(recipients);
    }
    bool kept_any = false, in_trace = true;
    std::size_t field_bytes = 0, trace_bytes = 0;
    for (const auto& field : fields) {
        field_bytes = field.offset + field.raw.size();
        if (!field.name.empty() && contains(params.message_drop_headers, field.name))
            continue;
        kept_any = true;
        header.text += field.raw;
        in_trace = in_trace && iequals(field.name, "received");
        if (in_trace)
            trace_bytes = header.text.size();
    }
    auto rest = block.substr(field_bytes);  // the empty line, if there is one
    if (mail.origin == "local")  // below the trace fields, which stay on top (RFC 5322 section 3.6.7)
        header.text.insert(trace_bytes, missing_fields(fields, mail, params, resent));
    if (rest.empty() && kept_any && !header.text.empty() && header.text.back() != '\n')
        header.text += '\n';
    header.text += rest;
    header.message_id_is_resent = resent && mime::Header(header.text).has("Resent-Message-Id");
    header.message_id = mime::Header(header.text).value(header.message_id_is_resent ? "Resent-Message-ID" : "Message-ID").value_or("");
    return header;
}

}  // namespace mta::cleanup
