#include "smtp/command.h"

#include <algorithm>

#include "base/encode.h"
#include "base/text.h"

namespace mta::smtp {

namespace {

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

Error refuse(std::string_view status, std::string_view reply) { return Error{std::string(reply), std::string(status)}; }
Error refuse_option(std::string_view option) { return refuse("5.5.4", cat("555 5.5.4 Unsupported option: ", printable(option))); }

// What is wrong with an address, as a reply; status and whose address it is are the command's.
Error refuse_address(const Error& why, std::string_view status, std::string_view whose)
{
    if (why.status == "5.6.7")  // RFC 6531 section 3.5
        return refuse("5.6.7", "553 5.6.7 Must declare SMTPUTF8 to send unicode address");
    return refuse(status, cat("501 ", status, " Bad ", whose, " address syntax"));
}

struct Option {
    std::string name;   // upper case
    std::string value;
    std::string text;   // as it was sent
};

// What follows the prefix ("FROM:"), taken apart: a path and the options behind it.
struct Argument {
    mail::Address path;
    std::vector<Option> options;
};

// RFC 5321 section 4.1.2: esmtp-param.
Result<std::vector<Option>> parse_options(std::string_view text)
{
    constexpr std::size_t max_options = 20;
    std::vector<Option> options;
    for (auto word : split_words(text, " \t")) {
        auto equals = std::min(word.find('='), word.size());
        Option option{upper(word.substr(0, equals)), equals < word.size() ? std::string(word.substr(equals + 1)) : "", std::string(word)};
        bool is_again = std::any_of(options.begin(), options.end(), [&](const auto& o) { return o.name == option.name; });
        if (is_again || options.size() == max_options)
            return refuse("5.5.4", cat("501 5.5.4 Error: option given twice: ", printable(option.name)));
        options.push_back(std::move(option));
    }
    return options;
}

struct Form {
    std::string_view prefix, syntax;  // "FROM:", "Syntax: MAIL FROM:<address>"
    std::string_view status, whose;   // for a bad address
};

Result<Argument> parse_argument(std::string_view text, const Form& form, bool strict)
{
    if (!istarts_with(text, form.prefix))
        return refuse("5.5.4", cat("501 5.5.4 ", form.syntax));
    text = text.substr(form.prefix.size());
    if (!strict)
        text = trim(text);
    if (text.empty())
        return refuse("5.5.4", cat("501 5.5.4 ", form.syntax));
    auto length = mail::path_length(text);
    if (length < text.size() && text[length] != ' ')
        return refuse("5.5.4", cat("501 5.5.4 ", form.syntax));
    Argument argument;
    mail::Syntax syntax;
    syntax.brackets = strict;
    auto path = mail::parse_path(text.substr(0, length), syntax);
    if (!path)
        return refuse_address(path.error(), form.status, form.whose);
    argument.path = *std::move(path);
    auto options = parse_options(text.substr(length));
    if (!options)
        return options.error();
    argument.options = *std::move(options);
    return argument;
}

Result<void> set_size(MailFrom& mail, const std::string& value, const Rules& rules)
{
    constexpr std::size_t max_digits = 20;  // RFC 1870 section 4
    bool is_number = !value.empty() && value.size() <= max_digits && std::all_of(value.begin(), value.end(), is_digit);
    if (!is_number)
        return refuse("5.5.4", "501 5.5.4 Bad message size syntax");
    auto size = parse_number<std::uint64_t>(value);
    if (!size || (rules.max_size > 0 && *size > rules.max_size))
        return refuse("5.3.4", "552 5.3.4 Message size exceeds fixed limit");
    mail.size = *size;
    return {};
}

Result<void> set_auth(MailFrom& mail, const std::string& value)
{
    auto decoded = xtext_decode(value);
    if (value.empty() || !decoded)
        return refuse("5.5.4", "501 5.5.4 Error: Bad AUTH parameter syntax");
    mail.auth = value == "<>" ? "" : *decoded;
    return {};
}

Result<void> set_option(MailFrom& mail, const Option& option, const Rules& rules)
{
    if (option.name == "SIZE")
        return set_size(mail, option.value, rules);
    if (option.name == "AUTH")
        return set_auth(mail, option.value);
    if (option.name == "BODY") {
        mail.body = upper(option.value);
        return mail.body == "7BIT" || mail.body == "8BITMIME" ? Result<void>() : refuse_option(option.text);
    }
    if (option.name == "RET") {
        auto ret = mail::parse_ret(option.value);
        if (!ret)
            return refuse("5.5.4", "501 5.5.4 Bad RET parameter syntax");
        mail.ret = *ret;
        return {};
    }
    if (option.name == "ENVID") {
        mail.envid = option.value;
        return mail::is_envid(option.value) ? Result<void>() : refuse("5.5.4", "501 5.5.4 Bad ENVID parameter syntax");
    }
    return refuse_option(option.text);
}

Result<void> set_option(RcptTo& rcpt, const Option& option)
{
    if (option.name == "NOTIFY") {
        auto notify = mail::Notify::parse(option.value);
        if (!notify)
            return refuse("5.5.4", "501 5.5.4 Error: Bad NOTIFY parameter syntax");
        rcpt.notify = notify->text();
        return {};
    }
    if (option.name == "ORCPT") {
        rcpt.orcpt = option.value;
        bool is_valid = mail::OriginalRecipient::parse(option.value).has_value();
        return is_valid ? Result<void>() : refuse("5.5.4", "501 5.5.4 Error: Bad ORCPT parameter syntax");
    }
    return refuse_option(option.text);
}

}  // namespace

Result<Command> parse_command(std::string_view line)
{
    if (std::any_of(line.begin(), line.end(), is_control))
        return refuse("5.5.2", "500 5.5.2 Error: bad syntax");
    auto verb = line.substr(0, std::min(line.find_first_of(" \t"), line.size()));
    bool is_word = !verb.empty() && verb.size() <= max_verb_bytes && std::all_of(verb.begin(), verb.end(), is_alpha);
    if (!is_word)
        return refuse("5.5.2", "500 5.5.2 Error: bad syntax");
    return Command{upper(verb), std::string(trim(line.substr(verb.size())))};
}

Result<MailFrom> parse_mail_from(std::string_view argument, const Rules& rules)
{
    auto parsed = parse_argument(argument, {"FROM:", "Syntax: MAIL FROM:<address>", "5.1.7", "sender"}, rules.strict);
    if (!parsed)
        return parsed.error();
    MailFrom mail;
    mail.reverse_path = std::move(parsed->path);
    for (const auto& option : parsed->options)
        if (auto done = set_option(mail, option, rules); !done)
            return done.error();
    return mail;
}

Result<RcptTo> parse_rcpt_to(std::string_view argument, const Rules& rules)
{
    auto parsed = parse_argument(argument, {"TO:", "Syntax: RCPT TO:<address>", "5.1.3", "recipient"}, rules.strict);
    if (!parsed)
        return parsed.error();
    RcptTo rcpt;
    rcpt.forward_path = std::move(parsed->path);
    if (rcpt.forward_path.is_null())
        return refuse("5.1.3", "501 5.1.3 Bad recipient address syntax");
    for (const auto& option : parsed->options)
        if (auto done = set_option(rcpt, option); !done)
            return done.error();
    return rcpt;
}

Result<Helo> parse_helo(std::string_view argument)
{
    auto name = argument.substr(0, std::min(argument.find(' '), argument.size()));
    if (name.empty() || name.size() > mail::max_domain_bytes || std::any_of(name.begin(), name.end(), is_control))
        return refuse("5.5.4", "501 5.5.4 Syntax: EHLO hostname");
    bool is_literal = mail::is_address_literal(name);
    bool is_domain = mail::is_domain(name);
    auto dots = name.substr(0, name.size() - 1).find('.');
    return Helo{std::string(name), is_literal || is_domain, is_literal || (is_domain && dots != std::string_view::npos)};
}

}  // namespace mta::smtp
