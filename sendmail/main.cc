#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <system_error>

#include "daemon/command.h"
#include "log/log.h"
#include "sendmail/options.h"
#include "sendmail/params.h"
#include "sendmail/session.h"

using namespace mta;

namespace {

[[noreturn]] void give_up(const Error& error)
{
    log::set_fatal_status(sendmail::exit_status(error.status));
    log::fatal(error.text);
}

// Another command does the work.
[[noreturn]] void execute(const config::Common& common, const std::string& program, std::vector<std::string> arguments)
{
    auto path = cat(common.command_directory(), "/", program);
    arguments.insert(arguments.begin(), {program, "-c", common.config_directory()});
    std::vector<char*> argv;
    for (auto& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(path.c_str(), argv.data());
    log::set_fatal_status(EX_OSFILE);
    log::fatal(errno_error(cat("execute ", path)).text);
}

[[noreturn]] void rebuild_aliases(const config::Common& common, const sendmail::Params& params)
{
    std::vector<std::string> databases;
    for (const auto& name : params.alias_database())
        databases.push_back(name);
    if (databases.empty()) {
        std::exit(EX_OK);
    }
    execute(common, "postalias", databases);
}

int submit(const sendmail::Options& options, const config::Common& common, const sendmail::Params& params)
{
    const passwd* user = ::getpwuid(::getuid());
    std::string login = user ? user->pw_name : "";
    if (login.empty() && !options.sender)
        give_up(Error{cat("no login name found for user ID ", ::getuid()), "5.7.0"});
    const char* name = std::getenv("NAME");
    auto mail = sendmail::mail_of(options, login, name ? name : user ? sendmail::full_name_of(user->pw_gecos, login) : "");
    if (!mail)
        give_up(mail.error());
    auto recipients = sendmail::recipients_of(options);
    if (!recipients)
        give_up(recipients.error());
    sendmail::Filter filter(options.dot_ends_input, params.fix_line_endings());
    sendmail::Spool spool;
    if (auto read = sendmail::read_message(STDIN_FILENO, filter, spool, common.message_size_limit()); !read)
        give_up(read.error());
    sendmail::Submitter submitter(cat(common.queue_directory(), "/public/pickup"), params.wait_limit());
    auto queue_id = submitter.submit(*mail, *recipients, spool);
    if (!queue_id)
        give_up(queue_id.error());
    if (options.verbose)
        std::cerr << "sendmail: queued as " << *queue_id << '\n';
    return EX_OK;
}

int converse(const config::Common& common, const sendmail::Params& params)
{
    net::Stream client{Fd()};
    client.set_transport(std::make_unique<sendmail::TwoFds>(STDIN_FILENO, STDOUT_FILENO));
    sendmail::Session::Settings settings{common.myhostname(), common.mail_name(), common.message_size_limit()};
    sendmail::Submitter submitter(cat(common.queue_directory(), "/public/pickup"), params.wait_limit());
    sendmail::Session(std::move(client), settings, submitter).run();
    return EX_OK;
}

int run(const sendmail::Options& options)
{
    auto loaded = daemon::load_config("sendmail", options.directory);
    const config::Common common(loaded);
    const sendmail::Params params(loaded);
    using sendmail::Mode;
    switch (options.mode) {
    case Mode::smtp: return converse(common, params);
    case Mode::list: execute(common, "postqueue", {"-p"});
    case Mode::aliases: rebuild_aliases(common, params);
    case Mode::daemon: execute(common, "buuta", {"start"});
    case Mode::flush: execute(common, "postqueue", {"-f"});
    case Mode::flush_id: execute(common, "postqueue", {"-i", options.argument});
    case Mode::flush_site: execute(common, "postqueue", {"-s", options.argument});
    case Mode::submit: break;
    }
    return submit(options, common, params);
}

}  // namespace

int main(int argc, char** argv)
{
    // What this host lacks, or its configuration, is not the mail's fault: the caller may try again.
    log::set_fatal_status(EX_TEMPFAIL);
    log::set_tag("sendmail");
    log::open_stderr();
    (void)::signal(SIGPIPE, SIG_IGN);
    try {
        auto options = sendmail::parse_options(argc, argv);
        if (!options)
            give_up(options.error());
        return run(*options);
    } catch (const std::exception& error) {
        give_up(failure(error.what()));
    }
}
