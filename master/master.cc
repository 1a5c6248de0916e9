#include "master/master.h"

#include <signal.h>

#include <cstdlib>

#include "base/text.h"
#include "log/log.h"

namespace mta::master {

namespace {

using namespace std::chrono_literals;

constexpr auto start_limit = 60s;  // who waits for the start hears by then what is not ready

constexpr auto socket_patience = 3s;

std::string environment_value(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

}  // namespace

void open_log(const Params& params)
{
    log::set_tag(cat(params.syslog_name(), "/master"));
    const std::string& file = params.maillog_file;
    if (!file.empty() && log::open_file(file))
        return;
    if (!file.empty())
        log::warning("cannot open maillog_file ", file);
    if (!log::open_syslog(params.syslog_facility))
        log::warning("no syslog daemon; logging to standard error");
}

Master::Master(Files files, Setup setup, Launch& launch, daemon::Owner owner, int hit_counts)
    : config_directory_(files.config.directory()), setup_(std::move(setup)), launch_(launch), owner_(owner), hit_counts_(hit_counts),
      notifier_(environment_value("NOTIFY_SOCKET")),
      watchdog_interval_(watchdog_interval(std::getenv("WATCHDOG_USEC"), std::getenv("WATCHDOG_PID"))),
      supervisor_(loop_, {[this] { settled(); }, [this] { changed(); }, [this] { loop_.stop(); }}), late_(loop_, [this] { late(); }),
      watchdog_(loop_, [this] { feed_watchdog(); }), exit_(loop_, [this] { drain(SIGALRM); })
{
}

Supervisor::Settings Master::settings(const Params& params) const
{
    return {{make_environment(params.import_environment), launch_.is_foreground(), hit_counts_}, params.service_throttle_time(), params.shutdown_time_limit(),
            Sockets::Owner{owner_.uid, owner_.gid}};
}

Result<void> Master::start()
{
    watch_signals();
    for (const auto& warning : setup_.plan.warnings)
        log::warning(warning);
    late_.start(start_limit);
    return supervisor_.apply(std::move(setup_.plan), settings(*setup_.params), socket_patience);
}

void Master::run(std::chrono::seconds exit_after)
{
    if (exit_after.count() > 0)
        exit_.start(exit_after);
    if (watchdog_interval_.count() > 0)
        feed_watchdog();
    loop_.run();
}

void Master::watch_signals()
{
    (void)::signal(SIGPIPE, SIG_IGN);
    auto watch = [this](int number, std::function<void()> handler) {
        signals_.push_back(std::make_unique<event::Signal>(loop_, number, std::move(handler)));
    };
    watch(SIGCHLD, [this] { supervisor_.reap(); });
    watch(SIGHUP, [this] { reload(); });
    watch(SIGTERM, [this] { drain(SIGTERM); });
    watch(SIGINT, [this] { end(SIGINT); });
}

// Files that are wrong change nothing: what runs goes on.
void Master::reload()
{
    if (is_stopping_)
        return;
    notifier_.reloading();
    auto kept = [this] {
        log::error("reload: the configuration is not usable, going on with the old one");
        notifier_.ready(status());
    };
    auto files = read_files(config_directory_);
    if (!files) {
        log_errors(files.error());
        return kept();
    }
    if (!is_sound(*files))
        return kept();
    auto fresh = make_setup(*files);
    if (!fresh || needs_restart(*fresh->params))
        return kept();
    for (const auto& warning : fresh->plan.warnings)
        log::warning(warning);
    open_log(*fresh->params);  // before the new daemons do: perhaps it was rotated and must be made
    late_.start(start_limit);
    if (auto applied = supervisor_.apply(std::move(fresh->plan), settings(*fresh->params)); !applied) {
        log_errors(applied.error());
        return kept();
    }
    setup_ = *std::move(fresh);
    log::info("reload -- version ", setup_.params->mail_version(), ", configuration ", config_directory_);
}

bool Master::needs_restart(const Params& fresh) const
{
    const auto& old = *setup_.params;
    bool is_same = true;
    auto compare = [&](const char* name, const std::string& before, const std::string& now) {
        if (before == now)
            return;
        is_same = false;
        log::error(name, " has changed from ", before, " to ", now, ": this needs \"buuta stop\" and \"buuta start\"");
    };
    compare("queue_directory", old.queue_directory, fresh.queue_directory);
    compare("data_directory", old.data_directory, fresh.data_directory);
    compare("mail_owner", old.mail_owner, fresh.mail_owner);
    return !is_same;
}

void Master::drain(int signal)
{
    if (is_stopping_)
        return;
    is_stopping_ = true;
    log::info("terminating on signal ", signal);
    notifier_.stopping();
    supervisor_.drain();
}

void Master::end(int signal)
{
    is_stopping_ = true;
    log::info("terminating on signal ", signal);
    notifier_.stopping();
    supervisor_.end();
}

void Master::settled()
{
    late_.stop();
    launch_.settled(supervisor_.failing());
    told_status_ = status();
    notifier_.ready(told_status_);
}

void Master::changed()
{
    if (auto now = status(); now != told_status_) {
        told_status_ = now;
        notifier_.status(now);
    }
}

void Master::late()
{
    for (const auto& name : supervisor_.unready())
        log::warning(name, ": is not ready after ", start_limit.count(), " seconds");
    launch_.settled(supervisor_.unready());
    notifier_.ready(status());
}

void Master::feed_watchdog()
{
    notifier_.watchdog();
    watchdog_.start(watchdog_interval_);
}

std::string Master::status() const
{
    auto failing = supervisor_.failing();
    if (failing.empty())
        return cat(supervisor_.size(), " services");
    return cat(supervisor_.size(), " services, of which do not start: ", join(failing, ", "));
}

}  // namespace mta::master
