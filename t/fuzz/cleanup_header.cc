// Covers: cleanup/header.cc
#include "cleanup/header.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "mail/address.h"
#include "mime/header.h"

// What cleanup makes of a header block: only what it must take away is gone, the rest stands as it did.
namespace {

using namespace mta;

const cleanup::Params& params()
{
    static const auto config = *config::Config::parse("myhostname = mail.example.com\nmyorigin = example.com\nundisclosed_recipients_header = To: undisclosed-recipients:;\n");
    static const cleanup::Params params(config);
    return params;
}

bool is_dropped(std::string_view name)
{
    for (std::string_view drop : {"bcc", "content-length", "resent-bcc", "return-path"})
        if (iequals(name, drop))
            return true;
    return false;
}

std::string kept(std::string_view block)
{
    std::string out;
    for (const auto& field : mime::Header(block))
        if (!is_dropped(field.name))
            out += field.raw;
    return out;
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    service::Mail mail;
    mail.queue_id = "4XYZabcdefzAbCdE";
    mail.origin = in.flag() ? "local" : "smtp";
    mail.extract_recipients = in.flag();
    mail.arrival = 1'700'000'000'000'000;
    mail.full_name = in.text('\n');
    mail.reverse_path = in.text('\n');
    auto text = in.rest();
    auto block = text.substr(0, mime::header_size(text));
    auto header = cleanup::edit_header(block, mail, params());
    if (!header)
        return;
    for (const auto& recipient : header->recipients)
        HOLDS(recipient.find('@') != std::string::npos && recipient.find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos);
    HOLDS(mail.extract_recipients || header->recipients.empty());
    mime::Header fields(header->text);
    for (const auto& field : fields)
        HOLDS(!is_dropped(field.name));
    if (mail.origin != "local")
        HOLDS(kept(header->text).starts_with(kept(block)));
    for (std::string_view name : {"From", "Date", "Message-ID"})
        HOLDS(mail.origin != "local" || mime::Header(block).has(name) || fields.count(name) <= 1);
    // What is added must not end the header, or begin another field.
    auto added = mail.origin == "local" ? 5u : 0u;
    std::size_t before = 0, after = 0;
    for (const auto& field : mime::Header(block))
        before += !is_dropped(field.name);
    for (const auto& field : fields)
        after += !field.raw.empty();
    HOLDS(after >= before && after <= before + added);
}
