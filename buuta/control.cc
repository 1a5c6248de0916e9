#include "buuta/control.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "buuta/check.h"
#include "daemon/running.h"
#include "ipc/channel.h"
#include "service/qmgr.h"

namespace mta::buuta {

namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 50ms;
constexpr auto extra_stop_time = 10s;  // beyond what master itself allows before it kills
constexpr auto kill_time = 5s;
constexpr auto flush_limit = 10s;

std::optional<pid_t> running(const Context& context)
{
    return daemon::running_master(context.common().queue_directory, context.common().data_directory);
}

int not_running(const Context& context) { return context.fatal(cat(context.system_name(), " is not running")); }

bool has_ended(const Context& context, std::chrono::milliseconds limit)
{
    auto deadline = std::chrono::steady_clock::now() + limit;
    while (running(context)) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        std::this_thread::sleep_for(look_interval);
    }
    return true;
}

std::chrono::seconds shutdown_limit(const Context& context)
{
    auto value = context.config().value("shutdown_time_limit", "30s");
    auto limit = value ? config::parse_time(*value) : std::nullopt;
    return limit ? std::chrono::duration_cast<std::chrono::seconds>(*limit) : 30s;
}

// How often limits were hit, on standard output; nothing for a system where none was.
void show_hit_limits(const Context& context)
{
    ipc::Client qmgr(cat(context.common().queue_directory(), "/public/qmgr"));
    auto reply = qmgr.ask<service::QueueReply>(service::QueueRequest{"limits", ""}, flush_limit);
    if (!reply || !reply->ok)
        return context.warning(cat("cannot ask the queue manager how often limits were hit: ", reply ? reply->text : reply.error().text));
    std::string text;
    for (auto line : split_words(reply->text, "\n"))
        text += cat(printable(line), "\n");
    if (!text.empty())
        (void)write_all(STDOUT_FILENO, cat("limits that were hit since the start:\n", text)).operator bool();
}

int send_signal(const Context& context, pid_t pid, int number)
{
    if (::kill(pid, number) == 0)
        return 0;
    return context.fatal(errno_error(cat("signal to process ", pid)).text);
}

}  // namespace

int start(const Context& context)
{
    if (running(context))
        return context.fatal(cat(context.system_name(), " is already running"));
    if (!is_startable(context))
        return context.fatal("the configuration is not usable, nothing was started");
    context.info(cat("starting ", context.system_name()));
    return run_program({context.daemon("master"), context.is_verbose() ? "-wv" : "-w", "-c", context.config_directory()}) == 0 ? 0 : 1;
}

int start_foreground(const Context& context)
{
    if (running(context))
        return context.fatal(cat(context.system_name(), " is already running"));
    if (!is_startable(context))
        return context.fatal("the configuration is not usable, nothing was started");
    context.info(cat("starting ", context.system_name(), " in the foreground"));
    auto master = context.daemon("master");
    ::execl(master.c_str(), master.c_str(), "-i", "-c", context.config_directory().c_str(), static_cast<char*>(nullptr));
    return context.fatal(errno_error(master).text);
}

int stop(const Context& context)
{
    auto pid = running(context);
    if (!pid)
        return not_running(context);
    context.info(cat("stopping ", context.system_name()));
    if (int failed = send_signal(context, *pid, SIGTERM))
        return failed;
    if (has_ended(context, shutdown_limit(context) + extra_stop_time))
        return 0;
    context.warning(cat("stopping ", context.system_name(), " with force"));
    ::kill(*pid, SIGKILL);
    return has_ended(context, kill_time) ? 0 : 1;
}

int abort(const Context& context)
{
    auto pid = running(context);
    if (!pid)
        return not_running(context);
    context.info(cat("aborting ", context.system_name()));
    return send_signal(context, *pid, SIGINT);
}

int reload(const Context& context)
{
    auto pid = running(context);
    if (!pid)
        return not_running(context);
    if (!is_startable(context))
        return context.fatal("the configuration is not usable, going on with the old one");
    context.info(cat("refreshing ", context.system_name()));
    return send_signal(context, *pid, SIGHUP);
}

int status(const Context& context)
{
    if (auto pid = running(context)) {
        context.info(cat(context.system_name(), " is running: PID: ", *pid));
        show_hit_limits(context);
        return 0;
    }
    context.info(cat(context.system_name(), " is not running"));
    return 1;
}

int flush(const Context& context)
{
    ipc::Client qmgr(cat(context.common().queue_directory(), "/public/qmgr"));
    auto reply = qmgr.ask<service::QueueReply>(service::QueueRequest{"flush", ""}, flush_limit);
    if (!reply)
        return context.fatal(cat("cannot ask the queue manager: ", reply.error().text, "; is ", context.system_name(), " running?"));
    return reply->ok ? 0 : context.fatal(reply->text);
}

}  // namespace mta::buuta
