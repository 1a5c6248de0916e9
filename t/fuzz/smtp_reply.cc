// Covers: lib/smtp/reply.cc lib/smtp/server_reply.cc lib/mail/status.cc
#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "mail/status.h"
#include "smtp/reply.h"
#include "smtp/server_reply.h"

// Replies of hostile servers, and that a reply of ours can be read as just that, whatever its text came from.
namespace {

using namespace mta;

void check_reply(const smtp::Reply& reply)
{
    HOLDS(reply.code >= 200 && reply.code <= 599);
    HOLDS(reply.is_intermediate() || mail::is_status(reply.status));
    HOLDS(reply.status[0] - '0' == reply.code / 100);
    HOLDS(reply.lines.size() <= smtp::ReplyParser::max_lines);
    auto text = reply.text();
    HOLDS(text.size() <= 4096 && printable(text) == text);
    for (const auto& extension : smtp::parse_extensions(reply)) {
        HOLDS(!extension.keyword.empty() && upper(extension.keyword) == extension.keyword);
        for (const auto& parameter : extension.parameters)
            HOLDS(!parameter.empty());
    }
    for (const auto& line : reply.lines)
        if (auto status = smtp::find_enhanced_status(line, reply.code))
            HOLDS(mail::is_status(*status) && (*status)[0] - '0' == reply.code / 100);
}

void read_as_client(std::string_view input)
{
    smtp::ReplyParser parser;
    for (auto line : split(input, '\n')) {
        auto reply = parser.add(line);
        if (!reply)
            return;
        if (*reply)
            check_reply(**reply);
    }
}

// One reply with one code, however nasty the text.
void write_as_server(std::string_view text)
{
    if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= smtp::ReplyParser::max_lines)
        return;
    auto wire = smtp::format_reply(cat("550 5.1.1 ", text));
    smtp::ReplyParser parser;
    std::size_t replies = 0;
    for (std::string_view rest = wire; !rest.empty();) {
        auto end = rest.find("\r\n");
        HOLDS(end != std::string_view::npos && end <= 510);
        HOLDS(rest.substr(0, end).find_first_of("\r\n") == std::string_view::npos);
        auto reply = parser.add(rest.substr(0, end));
        HOLDS(reply);
        rest.remove_prefix(end + 2);
        if (!*reply)
            continue;
        HOLDS((*reply)->code == 550 && (*reply)->status == "5.1.1");
        HOLDS(rest.empty());
        ++replies;
    }
    HOLDS(replies == 1);
    HOLDS(smtp::code_of(wire) == 550);
}

void check_status(std::string_view text)
{
    auto parts = mail::split_status(text, "4.0.0");
    HOLDS(mail::is_status(parts.status));
    for (char c : {'2', '4', '5'})
        HOLDS(mail::is_status(mail::with_class(parts.status, c)) && mail::with_class(parts.status, c)[0] == c);
    HOLDS(mail::reply_code(parts.status) / 100 == parts.status[0] - '0');
    HOLDS(smtp::code_of(mail::reply_line({std::string(text), parts.status})) / 100 == parts.status[0] - '0');
}

}  // namespace

FUZZ(input)
{
    read_as_client(input);
    write_as_server(input);
    check_status(input);
    auto lines = smtp::format_lines(250, {std::string(input.substr(0, input.size() / 2)), std::string(input.substr(input.size() / 2))});
    HOLDS(lines.starts_with("250-") && smtp::code_of(lines) == 250);
}
