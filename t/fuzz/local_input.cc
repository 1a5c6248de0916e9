// Covers: sendmail/input.cc sendmail/options.cc pickup/content.cc pickup/envelope.cc lib/deliver/content.cc
#include <fcntl.h>

#include "base/text.h"
#include "deliver/content.h"
#include "t/fuzz/lib/scratch.h"
#include "t/fuzz/lib/target.h"
#include "base/encode.h"
#include "mail/address.h"
#include "mail/dsn.h"
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

std::string spooled(std::string_view text, bool dot_ends, bool fix, long limit, Result<void>& result)
{
    sendmail::Filter filter(dot_ends, fix);
    sendmail::Spool spool;
    result = sendmail::read_message(fuzz::memory_file(text), filter, spool, limit);
    std::string out;
    HOLDS(spool.read([&](std::string_view piece) { out += piece; }) && spool.size() == static_cast<long>(out.size()));
    return out;
}

// The message from a file is the message, unless it is longer than it may be.
void check_spool(std::string_view text, bool dot_ends, bool fix)
{
    auto content = filtered(text, 1u << 20, dot_ends, fix);
    Result<void> result;
    HOLDS(spooled(text, dot_ends, fix, 0, result) == content && result);
    constexpr long limit = 100;
    (void)spooled(text, dot_ends, fix, limit, result);
    HOLDS(result.operator bool() == (content.size() <= limit));
    HOLDS(result || sendmail::exit_status(result.error().status) == 65);  // EX_DATAERR
}

Result<sendmail::Options> parse(std::vector<std::string> words)
{
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    return sendmail::parse_options(static_cast<int>(words.size()), arguments.data());
}

// An option before the one that counts may have left an argument.
std::string argument_of(const sendmail::Options& options)
{
    bool takes_one = options.mode == sendmail::Mode::flush_id || options.mode == sendmail::Mode::flush_site;
    return takes_one ? options.argument : "";
}

// The options as one would write them.
std::vector<std::string> words_of(const sendmail::Options& options)
{
    static constexpr std::string_view modes[] = {"-bm", "-bs", "-bp", "-bi", "-bd", "-q", "-qI", "-qR"};
    std::vector<std::string> words{"sendmail", cat(modes[static_cast<std::size_t>(options.mode)], argument_of(options))};
    auto add = [&](std::string_view letter, const std::string& value) {
        if (!value.empty())
            words.insert(words.end(), {std::string(letter), value});
    };
    auto flag = [&](std::string_view letter, bool is_set) {
        if (is_set)
            words.emplace_back(letter);
    };
    flag("-oi", !options.dot_ends_input);
    flag("-t", options.extract_recipients);
    flag("-G", options.is_gateway);
    flag("-v", options.verbose);
    add("-F", options.full_name);
    add("-N", options.notify);
    add("-R", options.ret);
    add("-V", xtext_decode(options.envid).value_or(""));
    add("-B", options.body);
    if (options.sender)
        words.insert(words.end(), {"-r", options.sender->empty() ? "<>" : mail::from_internal(*options.sender).external()});
    words.emplace_back("--");
    for (const auto& recipient : options.recipients)
        words.push_back(mail::from_internal(recipient).external());
    return words;
}

// A list of addresses may hold what pickup refuses.
bool has_good_addresses(const sendmail::Options& options)
{
    auto all = options.recipients;
    if (options.sender && !options.sender->empty())
        all.push_back(*options.sender);
    return std::all_of(all.begin(), all.end(), [](const std::string& address) { return pickup::checked_address(address, "example.com").operator bool(); });
}

void check_same(const sendmail::Options& options, const sendmail::Options& again)
{
    HOLDS(again.mode == options.mode && argument_of(again) == argument_of(options) && again.dot_ends_input == options.dot_ends_input);
    HOLDS(again.extract_recipients == options.extract_recipients && again.is_gateway == options.is_gateway && again.verbose == options.verbose);
    HOLDS(again.full_name == options.full_name && again.body == options.body && again.ret == options.ret);
    HOLDS(again.notify == options.notify && again.envid == options.envid);
    HOLDS(again.sender == options.sender && again.recipients == options.recipients);
}

// What we make of a command line goes on to pickup, which knows the values; written as one would it is the same.
void check_options(std::string_view text)
{
    std::vector<std::string> words;
    for (auto word : split(text, '\n'))
        words.emplace_back(word.substr(0, word.find('\0')));
    auto options = parse(words);
    if (!options) {
        HOLDS(!options.error().text.empty() && sendmail::exit_status(options.error().status) != 0);
        return;
    }
    if (has_good_addresses(*options)) {
        auto again = parse(words_of(*options));
        HOLDS(again);
        check_same(*options, *again);
    }
    auto mail = sendmail::mail_of(*options, "anna", "Anna");
    auto recipients = sendmail::recipients_of(*options);
    HOLDS(mail.operator bool() == (options->extract_recipients || !options->recipients.empty()));
    HOLDS(recipients.operator bool() == (!options->extract_recipients || options->notify.empty()));
    if (!mail || !recipients)
        return;
    HOLDS(recipients->size() == options->recipients.size());
    if (auto checked = pickup::checked_mail(*mail, "4XYZabcdefzAbCdE", "example.com"))
        HOLDS(checked->body == mail->body && checked->ret == mail->ret && checked->envid == mail->envid);
    for (const auto& recipient : *recipients)
        if (auto checked = pickup::checked_recipient(recipient, "example.com"))
            HOLDS(checked->notify == recipient.notify && checked->address.starts_with(recipient.address));
}

// What we log as trace of a mail is one field.
void check_received(std::size_t seconds)
{
    auto field = pickup::received_field(1000, "4XYZabcdefzAbCdE", "mail.test", "Buuta", static_cast<std::int64_t>(seconds) * 1000000);
    mime::Header header(field);
    HOLDS(std::distance(header.begin(), header.end()) == 1 && header.begin()->name == "Received");
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
    check_spool(in.rest(), dot_ends, fix);
    check_options(in.rest());
    check_received(seed);
    check_addresses(std::string(in.rest()));
    check_content(in.rest(), in);
}
