#include "master/setup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "base/fd.h"
#include "base/text.h"
#include "log/log.h"
#include "master/trial.h"

namespace mta::master {

namespace {

Result<void> check_directories(const Params& params)
{
    for (const auto* directory : {&params.queue_directory, &params.data_directory, &params.daemon_directory})
        if (const std::string& path = *directory; path.empty() || path.front() != '/')
            return failure(cat("queue_directory, data_directory, daemon_directory: \"", path, "\" does not begin with /"));
    return {};
}

Result<Plan> plan_for(const Params& params, const Files& files)
{
    if (auto checked = check_directories(params); !checked)
        return checked.error();
    auto protocols = parse_protocols(params.inet_protocols, host_has_v6());
    if (!protocols)
        return protocols.error();
    auto interfaces = listen_addresses(params.inet_interfaces, *protocols, resolve_host);
    if (!interfaces)
        return interfaces.error();
    Site site{files.config.directory(), params.daemon_directory, programs_in(params.daemon_directory), *interfaces, *protocols, resolve_host};
    auto plan = make_plan(files.services, site);
    if (!plan.errors.empty())
        return failure(join(plan.errors, "\n"));
    return plan;
}

}  // namespace

Result<Files> read_files(const std::string& config_directory)
{
    auto config = config::Config::load(config_directory);
    if (!config)
        return config.error();
    auto services = config::load_services(config_directory);
    if (!services)
        return services.error();
    return Files{*std::move(config), *std::move(services)};
}

Result<Setup> make_setup(const Files& files)
{
    auto params = std::make_unique<Params>(files.config);
    auto plan = plan_for(*params, files);
    if (!plan)
        return plan.error();
    const auto& repetitions = files.config.repetitions();
    plan->warnings.insert(plan->warnings.begin(), repetitions.begin(), repetitions.end());
    return Setup{std::move(params), *std::move(plan)};
}

namespace {

// The child of is_sound(): what is wrong goes to standard error.
[[noreturn]] void judge(const Files& files, int output)
{
    for (int number : {SIGCHLD, SIGHUP, SIGTERM, SIGINT})
        (void)::signal(number, SIG_DFL);  // the parent's handlers would tell the parent
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    log::open_stderr();
    auto setup = make_setup(files);
    if (!setup)
        log_errors(setup.error());
    ::_exit(setup && try_out(setup->plan) ? 0 : 1);
}

std::string all_from(int fd)
{
    std::string text;
    char chunk[4096];
    for (ssize_t count; (count = ::read(fd, chunk, sizeof chunk)) > 0 || (count < 0 && errno == EINTR);)
        text.append(chunk, count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
}

}  // namespace

bool is_sound(const Files& files)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        log::error(errno_error("pipe").text);
        return false;
    }
    Fd reading(ends[0]), writing(ends[1]);
    pid_t child = ::fork();
    if (child < 0) {
        log::error(errno_error("fork").text);
        return false;
    }
    if (child == 0)
        judge(files, writing.get());
    writing.reset();
    auto said = all_from(reading.get());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    bool is_fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    std::set<std::string_view> lines;  // several services may say the same
    for (auto line : split(trim(said), '\n'))
        if (!line.empty() && lines.insert(line).second)
            is_fine ? log::warning(line) : log::error(line);
    return is_fine;
}

void log_errors(const Error& error)
{
    for (auto line : split(error.text, '\n'))
        log::error(line);
}

}  // namespace mta::master
