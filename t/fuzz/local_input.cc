// Covers: sendmail/input.cc sendmail/options.cc pickup/content.cc pickup/envelope.cc lib/deliver/content.cc
#include <fcntl.h>

#include "base/text.h"
#include "deliver/content.h"
#include "t/fuzz/lib/scratch.h"
#include "t/fuzz/lib/target.h"
#include "mail/address.h"
#include "mime/header.h"
#include "pickup/envelope.h"
#include "pickup/content.h"
#include "sendmail/input.h"
#include "sendmail/options.h"

// What local programs hand over, and what local programs are handed: the same in any pieces.
namespace {

using namespace mta;

std::string filtered(std::string_view text, std::size_t seed, bool dot_ends, bool fix)
{
    sendmail::Filter filter(dot_ends, fix);
    std::string out;
    fuzz::in_pieces(text, seed, [&](std::string_view piece) { filter.add(piece, out); });
    filter.finish(out);
    return out;
}

std::string with_header_end(std::string_view text, std::size_t seed)
{
    pickup::HeaderEnd end;
    std::string out;
    fuzz::in_pieces(text, seed, [&](std::string_view piece) { end.add(piece, out); });
    end.finish(out);
    return out;
}

void check_input(std::string_view text, std::size_t seed, bool dot_ends, bool fix)
{
    auto content = filtered(text, 1u << 20, dot_ends, fix);
    HOLDS(content == filtered(text, seed, dot_ends, fix) && content == filtered(text, 0, dot_ends, fix));
    HOLDS(content.empty() || content.ends_with('\n'));
    HOLDS(!fix || text.find("\r\r") != std::string_view::npos || content.find("\r\n") == std::string::npos);
    HOLDS(content.size() <= text.size() + 1);
    auto message = with_header_end(content, 1u << 20);
    HOLDS(message == with_header_end(content, seed) && message == with_header_end(content, 0));
    HOLDS(message.size() <= content.size() + 1);
    for (const auto& field : mime::Header(message))
        HOLDS(!field.name.empty());
}

void check_addresses(const std::string& text)
{
    auto addresses = sendmail::addresses_in(text);
    if (addresses)
        for (const auto& address : *addresses)
            HOLDS(!address.empty());
    (void)sendmail::sender_in(text).operator bool();
    auto checked = pickup::checked_address(text, "example.com");
    if (checked)
        HOLDS(checked->empty() || (checked->find('@') != std::string::npos && checked->find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos));
    service::MailRecipient recipient{text, "", text, text};
    (void)pickup::checked_recipient(recipient, "example.com").operator bool();
    service::Mail mail;
    mail.reverse_path = mail.full_name = mail.envid = text;
    auto good = pickup::checked_mail(mail, "4XYZabcdefzAbCdE", "example.com");
    if (good)
        HOLDS(good->full_name.find('\n') == std::string::npos);
    sendmail::full_name_of(text, "anna");
}

// A message for mbox files and pipes: each way of asking for its pieces gives the same.
void check_content(std::string_view text, fuzz::Input in)
{
    service::DeliveryRequest request;
    request.reverse_path = in.text('\n');
    service::DeliveryRecipient recipient{0, std::string(in.text('\n')), "", "", ""};
    auto leading = deliver::leading_lines(request, recipient, {"MAILER-DAEMON", true, true, true, true}, "Tue Mar  3 10:15:42 2026");
    HOLDS(leading.starts_with("From ") && leading.ends_with('\n'));
    deliver::ContentForm form;
    form.ends_with_blank_line = form.quotes_from = true;
    form.doubles_dots = in.flag();
    Fd file(::fcntl(fuzz::memory_file(text), F_DUPFD_CLOEXEC, 0));
    deliver::Content content("", file.get(), 0, text.size(), form);
    std::string all;
    for (auto piece = content.next(); !piece.empty(); piece = content.next())
        all += piece;
    HOLDS(!all.starts_with("From ") && all.find("\nFrom ") == std::string::npos);
    HOLDS(!form.doubles_dots || all.find("\n.\n") == std::string::npos);
    HOLDS(all.ends_with("\n"));
    deliver::was_delivered_to(text, recipient.address);
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    auto seed = in.number(256);
    bool dot_ends = in.flag(), fix = in.flag();
    check_input(in.rest(), seed, dot_ends, fix);
    check_addresses(std::string(in.rest()));
    check_content(in.rest(), in);
}
