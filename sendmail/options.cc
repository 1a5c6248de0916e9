#include "sendmail/options.h"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/dsn.h"
#include "mime/address.h"

namespace mta::sendmail {

namespace {

// -C names a main.cf or its directory.
std::string directory_of(const std::string& path)
{
    struct stat status;
    if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
        return path;
    auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> set_mode(Options& options, std::string_view name)
{
    switch (name.empty() ? '\0' : name.front()) {
    case 'm': options.mode = Mode::submit; return {};
    case 's': options.mode = Mode::smtp; return {};
    case 'p': options.mode = Mode::list; return {};
    case 'i': options.mode = Mode::aliases; return {};
    case 'd':
    case 'l': options.mode = Mode::daemon; return {};
    case 'h':
    case 'H': return {};  // host status, which nobody keeps
    case 'v': return Error{"-bv is not supported: use `buuta check` and the log", "5.5.4"};
    default: return Error{cat("unknown mode: -b", name), "5.5.4"};
    }
}

// -q, -qIid, -qRsite; with an interval it was for daemons and is ignored.
Result<void> set_queue_run(Options& options, std::string_view what)
{
    if (what.empty()) {
        options.mode = Mode::flush;
    } else if (what.front() == 'I' || what.front() == 'R') {
        options.mode = what.front() == 'I' ? Mode::flush_id : Mode::flush_site;
        options.argument = what.substr(1);
        if (options.argument.empty())
            return Error{cat("-q", what, ": missing argument"), "5.5.4"};
    } else if (!is_digit(what.front())) {
        return Error{cat("-q", what, ": use -q, -qIqueueid or -qRsite"), "5.5.4"};
    }
    return {};
}

Result<void> set_dsn(Options& options, char letter, const std::string& value)
{
    if (letter == 'N') {
        auto notify = mail::Notify::parse(value);
        if (!notify)
            return Error{cat("bad -N option value: ", value), "5.5.4"};
        options.notify = notify->text();
    } else if (letter == 'R') {
        auto ret = mail::parse_ret(value);
        if (!ret)
            return Error{cat("bad -R option value: ", value), "5.5.4"};
        options.ret = mail::text_of(*ret);
    } else {
        options.envid = xtext_encode(value);
        if (!mail::is_envid(options.envid))
            return Error{cat("bad -V option value: ", value), "5.5.4"};
    }
    return {};
}

Result<void> set_body(Options& options, std::string_view value)
{
    options.body = upper(value);
    if (options.body != "7BIT" && options.body != "8BITMIME")
        return Error{cat("bad -B option value: ", value), "5.5.4"};
    return {};
}

Result<void> set(Options& options, char letter, const std::string& value)
{
    switch (letter) {
    case 'b': return set_mode(options, value);
    case 'q': return set_queue_run(options, value);
    case 'B': return set_body(options, value);
    case 'C': options.directory = directory_of(value); return {};
    case 'F': options.full_name = value; return {};
    case 'I': options.mode = Mode::aliases; return {};
    case 'N':
    case 'R':
    case 'V': return set_dsn(options, letter, value);
    case 'X':
        if (!value.empty() && value.front() == 'V')
            return Error{"-XV (VERP) is not supported", "5.5.4"};
        return {};
    case 'f':
    case 'r': {
        auto sender = sender_in(value);
        if (!sender)
            return sender.error();
        options.sender = *sender;
        return {};
    }
    case 'G': options.is_gateway = true; return {};
    case 'i': options.dot_ends_input = false; return {};
    case 'o':
        if (value == "i")
            options.dot_ends_input = false;
        return {};  // all other -o options set what sendmail could be told
    case 't': options.extract_recipients = true; return {};
    case 'v': options.verbose = true; return {};
    default: return {};  // historic
    }
}

std::string_view base_name(std::string_view path)
{
    auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

Result<Options> parse_options(int argc, char** argv)
{
    Options options;
    auto program = argc > 0 ? base_name(argv[0]) : "sendmail";
    if (program == "mailq")
        options.mode = Mode::list;
    if (program == "newaliases")
        options.mode = Mode::aliases;
    ::optind = 0;  // from the begin, also when it has been used before
    ::opterr = 0;
    for (int letter; (letter = ::getopt(argc, argv, "+A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:imno:p:r:q::tvx")) != -1;) {
        if (letter == '?')
            return Error{cat("usage: sendmail [options] [recipient ...]: bad option -", static_cast<char>(::optopt)), "5.5.4"};
        if (auto done = set(options, static_cast<char>(letter), ::optarg ? ::optarg : ""); !done)
            return done.error();
    }
    for (int i = ::optind; i < argc; ++i) {
        auto addresses = addresses_in(argv[i]);
        if (!addresses)
            return addresses.error();
        options.recipients.insert(options.recipients.end(), addresses->begin(), addresses->end());
    }
    if (options.mode != Mode::submit && !options.recipients.empty())
        return Error{"this mode takes no recipients", "5.5.4"};
    if (options.extract_recipients && options.mode != Mode::submit)
        return Error{"-t can be used only in delivery mode", "5.5.4"};
    return options;
}

Result<std::vector<std::string>> addresses_in(const std::string& argument)
{
    mail::Syntax syntax;
    syntax.utf8 = true;
    if (auto plain = mail::parse_external(argument, syntax))
        return std::vector<std::string>{plain->internal()};
    std::vector<std::string> out;
    if (argument.find_first_of(",<(\"") == std::string::npos)  // lists may be lax, a single address may not
        return Error{cat("bad recipient: \"", printable(argument), "\""), "5.1.3"};
    for (const auto& address : mime::parse_addresses(argument)) {
        if (address.kind != mime::Address::Kind::mailbox)
            continue;
        if (address.local_part.empty())
            return Error{cat("bad recipient: ", printable(argument)), "5.1.3"};
        out.push_back(mail::Address{address.local_part, address.domain}.internal());
    }
    if (out.empty())
        return Error{cat("bad recipient: \"", printable(argument), "\""), "5.1.3"};
    return out;
}

Result<std::string> sender_in(const std::string& argument)
{
    if (argument.empty() || argument == "<>")
        return std::string();
    auto addresses = addresses_in(argument);
    if (!addresses || addresses->size() != 1)
        return Error{cat("bad sender: \"", printable(argument), "\""), "5.1.7"};
    return addresses->front();
}

Result<service::Mail> mail_of(const Options& options, const std::string& login, const std::string& full_name)
{
    service::Mail mail;
    mail.reverse_path = options.sender.value_or(login);
    mail.full_name = options.full_name.empty() ? full_name : options.full_name;
    mail.body = options.body;
    mail.origin = options.is_gateway ? "gateway" : "local";
    mail.ret = options.ret;
    mail.envid = options.envid;
    mail.extract_recipients = options.extract_recipients;
    if (options.recipients.empty() && !options.extract_recipients)
        return Error{"Recipient addresses must be specified on the command line or via the -t option", "5.5.4"};
    return mail;
}

Result<std::vector<service::MailRecipient>> recipients_of(const Options& options)
{
    if (options.extract_recipients && !options.notify.empty())
        return Error{"-N cannot be used together with -t", "5.5.4"};
    std::vector<service::MailRecipient> out;
    for (const auto& address : options.recipients)
        out.push_back({address, "", "", options.notify});
    return out;
}

std::string full_name_of(std::string_view gecos, std::string_view login)
{
    std::string out;
    for (char c : gecos.substr(0, gecos.find(','))) {
        if (c == '&' && !login.empty())
            out += cat(upper(login.front()), login.substr(1));
        else
            out += c;
    }
    return out;
}

int exit_status(std::string_view status)
{
    if (status.empty() || status.front() != '5')
        return EX_TEMPFAIL;
    if (status == "5.7.1")
        return EX_NOPERM;
    if (status == "5.5.4")
        return EX_USAGE;
    if (status == "5.1.1")
        return EX_NOUSER;
    bool is_data = status.starts_with("5.1.") || status.starts_with("5.6.") || status == "5.3.4" || status == "5.5.3";
    return is_data ? EX_DATAERR : EX_UNAVAILABLE;
}

}  // namespace mta::sendmail
