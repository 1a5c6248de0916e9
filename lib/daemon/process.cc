#include "daemon/process.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "log/log.h"
#include "net/hit_counts.h"

namespace mta::daemon {

namespace {

constexpr int master_fd = 3;
constexpr int first_listener_fd = 4;

std::pair<std::string, std::string> split_override(std::string_view text)
{
    auto equals = text.find('=');
    if (equals == std::string_view::npos)
        log::fatal("-o ", text, ": missing '='");
    return {std::string(trim(text.substr(0, equals))), std::string(trim(text.substr(equals + 1)))};
}

long number_option(char letter, const char* text)
{
    auto number = parse_number<long>(text);
    if (!number || *number < 0)
        log::fatal("-", letter, " ", text, ": not a number");
    return *number;
}

}  // namespace

Process::Process(int argc, char** argv, const std::string& name) : name_(name), config_([] {
    auto empty = config::Config::parse("");
    return *std::move(empty);
}())
{
    (void)::signal(SIGPIPE, SIG_IGN);
    log::set_tag(cat("postfix/", name));
    config::Overrides overrides;
    parse(argc, argv, overrides);
    auto loaded = config::Config::load(config_directory_, overrides);
    if (!loaded)
        log::fatal(loaded.error().text);
    config_ = *std::move(loaded);
    common_ = std::make_unique<config::Common>(config_);
    log::set_tag(cat(common_->syslog_name(), "/", front_worker_.empty() ? name : front_worker_));
    if (is_trial_ || selftest_)
        log::open_stderr();
    else
        open_log();
    if (process_limit_ < 0)
        process_limit_ = common_->default_process_limit;
    if (is_trial_)
        return;
    confinement_ = std::make_unique<Confinement>(config_, selftest_);
    if (selftest_)
        return;
    master_ = Fd(master_fd);
    ::fcntl(master_fd, F_SETFD, FD_CLOEXEC);
    oom_score_ = Fd(::open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC));
}

Process::~Process() = default;

void Process::parse(int argc, char** argv, config::Overrides& overrides)
{
    long sockets = 0;
    constexpr std::string_view selftest = "--selftest-sandbox";
    if (argc > 1 && std::string_view(argv[1]).starts_with(selftest)) {
        selftest_ = std::string(argv[1]).substr(selftest.size());
        argv[1] = argv[0];
        ++argv, --argc;
    }
    for (int letter; (letter = ::getopt(argc, argv, "+n:t:C:s:m:w:W:o:kurv")) != -1;) {
        switch (letter) {
        case 'n': service_ = optarg; break;
        case 't': type_ = optarg; break;
        case 'C': config_directory_ = optarg; break;
        case 's': sockets = number_option('s', optarg); break;
        case 'm': process_limit_ = number_option('m', optarg); break;
        case 'w': front_worker_ = optarg; break;
        case 'W': front_socket_ = optarg; break;
        case 'o': overrides.push_back(split_override(optarg)); break;
        case 'u': unprivileged_ = true; break;
        case 'r': chroot_ = true; break;
        case 'k': is_trial_ = true; break;
        case 'v': log::set_verbose(true); break;
        default: log::fatal("this program is started by master(8); see the manual page ", name_, "(8)");
        }
    }
    if (service_.empty() || config_directory_.empty() || (!is_trial_ && !selftest_ && ::fcntl(master_fd, F_GETFD) < 0))
        log::fatal("this program is started by master(8); see the manual page ", name_, "(8)");
    arguments_.assign(argv + optind, argv + argc);
    overrides.emplace_back("process_name", name_);
    overrides.emplace_back("service_name", service_);
    overrides.emplace_back("config_directory", config_directory_);
    for (long i = 0; i < sockets && !is_trial_ && !selftest_; ++i) {
        int fd = first_listener_fd + static_cast<int>(i);
        if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            log::fatal("listening socket ", i, " is missing");
        listeners_.emplace_back(fd);
    }
    if (int fd = first_listener_fd + static_cast<int>(sockets); !is_trial_ && !selftest_ && net::share_hit_counts(fd))
        ::close(fd);
}

const std::string& Process::option(char letter) const
{
    return letter == 'w' ? front_worker_ : letter == 'W' ? front_socket_ : empty_;
}

void Process::open_log()
{
    std::string file = common_->maillog_file;
    if (!file.empty()) {
        if (!log::open_file(file))
            log::fatal(errno_error(cat("open log file ", file)).text);
    } else if (!log::open_syslog(common_->syslog_facility)) {
        log::warning("no syslog daemon; logging to standard error");
    }
}

std::string Process::socket_path(const std::string& service, bool is_public) const
{
    return cat(common_->queue_directory(), is_public ? "/public/" : "/private/", service);
}

void Process::end_trial() const
{
    if (is_trial_)
        ::_exit(0);  // as workers do: nothing is to be closed in order
}

void Process::ready()
{
    end_trial();
    char byte = 'R';
    if (::send(master_.get(), &byte, 1, MSG_NOSIGNAL) != 1)
        log::fatal("master is gone");
}

int Process::run(event::Loop& loop, std::function<void()> on_stop, std::function<void()> on_retire)
{
    bool stopping = false;
    auto stop = [&] {
        if (stopping)
            return;
        stopping = true;
        if (!on_stop)
            return loop.stop();
        on_stop();           // lets go of the listeners
        listeners_.clear();  // nobody shall wait on them for the end of those whom we still serve
    };
    event::Signal term(loop, SIGTERM, stop);
    event::Signal interrupt(loop, SIGINT, [&] { loop.stop(); });
    std::unique_ptr<event::Signal> hangup;
    if (on_retire)
        hangup = std::make_unique<event::Signal>(loop, SIGHUP, [&] {
            if (listeners_.empty())
                return;
            on_retire();  // lets go of them first
            listeners_.clear();
        });
    std::unique_ptr<event::Watch> master;
    master = std::make_unique<event::Watch>(loop, master_.get(), event::readable, [&](short) {
        master->change(0);
        stop();
    });
    seal();
    ready();
    loop.run();
    return 0;
}

}  // namespace mta::daemon
