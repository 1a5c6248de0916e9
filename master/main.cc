#include <getopt.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "daemon/running.h"
#include "log/log.h"
#include "master/master.h"
#include "master/privileges.h"
#include "master/trial.h"
#include "net/hit_counts.h"
#include "service/keys.h"
#include "service/return_ticket.h"

namespace mta::master {

namespace {

constexpr rlim_t wanted_files = 65536;

struct Options {
    std::string config_directory;
    bool in_foreground = false, as_init = false, test = false, tests_sandbox = false, check = false, wait = false, verbose = false;
    std::chrono::seconds exit_after{0};
};

[[noreturn]] void usage()
{
    log::fatal("usage: master [-dintvw] [-c config_directory] [-e exit_time]");
}

Options parse_options(int argc, char** argv)
{
    Options options;
    const char* directory = std::getenv("MAIL_CONFIG");
    options.config_directory = directory ? directory : "/etc/buuta";
    if (argc > 1 && std::string_view(argv[1]) == "--selftest-sandbox") {
        options.tests_sandbox = true;
        ++argv, --argc;
    }
    for (int letter; (letter = ::getopt(argc, argv, "c:de:intvw")) != -1;) {
        switch (letter) {
        case 'c': options.config_directory = optarg; break;
        case 'd': options.in_foreground = true; break;
        case 'e': {
            auto seconds = parse_number<long>(optarg);
            if (!seconds || *seconds <= 0)
                log::fatal("-e ", optarg, ": not a number of seconds");
            options.exit_after = std::chrono::seconds(*seconds);
            break;
        }
        case 'i': options.as_init = true; break;
        case 'n': options.check = true; break;
        case 't': options.test = true; break;
        case 'v': options.verbose = true; break;
        case 'w': options.wait = true; break;
        default: usage();
        }
    }
    if (optind != argc || (options.wait && (options.in_foreground || options.as_init)))
        usage();
    return options;
}

// For people who start us, and for the log.
[[noreturn]] void refuse(const std::string& text)
{
    for (auto line : split(text, '\n')) {
        (void)write_all(2, cat("master: fatal: ", line, "\n")).operator bool();
        log::write(log::Level::fatal, line);
    }
    log::stop();
}

[[noreturn]] void refuse_early(const Error& error)
{
    log_errors(error);
    log::fatal("the configuration is not usable, nothing was started");
}

// Thousands of clients are thousands of descriptors in one process.
void raise_file_limit()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < wanted_files && ::geteuid() == 0)
        limit.rlim_max = wanted_files;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, std::max(limit.rlim_cur, wanted_files));
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

daemon::MasterLock claim_directories(const Params& params, const daemon::Owner& owner)
{
    auto layout = daemon::directories(params.queue_directory, params.data_directory);
    if (auto made = daemon::make_layout(layout, owner); !made)
        refuse(made.error().text);
    auto lock = daemon::lock_master(params.queue_directory, params.data_directory);
    if (!lock)
        refuse(lock.error().text);
    auto written = replace_file(daemon::pid_file(params.queue_directory), cat(::getpid(), "\n"), 0644);
    if (!written)
        refuse(written.error().text);
    // Not at reload: sessions that wait in front come back to workers of the new configuration.
    for (const auto& path : {service::return_secret_path(params.queue_directory), service::keys_secret_path(params.queue_directory)})
        if (auto made = service::Secret::make(path); !made)
            refuse(made.error().text);
    if (::chdir(params.queue_directory().c_str()) != 0)
        refuse(errno_error(cat("chdir ", params.queue_directory())).text);
    return *std::move(lock);
}

void become_leader(const Options& options)
{
    ::umask(022);
    if (options.as_init)
        ::setsid();  // fails for who leads already
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    raise_file_limit();
}

int run(const Options& options, Files files, Setup setup)
{
    using Mode = Launch::Mode;
    bool in_foreground = options.in_foreground || options.as_init;
    auto owner = daemon::Owner::find(setup.params->mail_owner);
    if (!owner)
        refuse_early(owner.error());
    Launch launch(in_foreground ? Mode::foreground : options.wait ? Mode::wait : Mode::detach);
    open_log(*setup.params);
    become_leader(options);
    auto hit_counts = net::make_hit_counts();
    if (!hit_counts)
        log::warning("hits of limits are not counted: ", hit_counts.error().text);
    give_up_privileges(files.config);
    auto lock = claim_directories(*setup.params, *owner);
    auto pid_file = daemon::pid_file(setup.params->queue_directory);
    auto greeting = cat("daemon started -- version ", setup.params->mail_version(), ", configuration ", files.config.directory());
    Master master(std::move(files), std::move(setup), launch, *owner, hit_counts ? hit_counts->get() : -1);
    if (auto started = master.start(); !started) {
        ::unlink(pid_file.c_str());
        refuse(started.error().text);
    }
    log::info(greeting);
    launch.initialized();
    master.run(options.exit_after);
    ::unlink(pid_file.c_str());
    return 0;
}

// What escapes ends the process, and lib/log says what it was.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    log::open_stderr();
    log::set_tag("master");
    auto options = parse_options(argc, argv);
    log::set_verbose(options.verbose);
    if (std::unique_ptr<char, Release<std::free>> full(::realpath(options.config_directory.c_str(), nullptr)); full)
        options.config_directory = full.get();
    auto files = read_files(options.config_directory);
    if (!files)
        refuse_early(files.error());
    if (options.tests_sandbox)
        return test_sandbox(files->config);
    if (options.test) {
        Params params(files->config);
        return daemon::running_master(params.queue_directory, params.data_directory) ? 1 : 0;
    }
    auto setup = make_setup(*files);
    if (!setup)
        refuse_early(setup.error());
    if (options.check) {
        for (const auto& warning : setup->plan.warnings)
            log::warning(warning);
        return try_out(setup->plan) ? 0 : 1;
    }
    // For systemd; "buuta start" has asked already.
    if (options.in_foreground && !try_out(setup->plan))
        log::fatal("the configuration is not usable, nothing was started");
    return run(options, *std::move(files), *std::move(setup));
}

}  // namespace

}  // namespace mta::master

// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) { return mta::master::main(argc, argv); }
