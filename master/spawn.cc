#include "master/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"

namespace mta::master {

namespace {

constexpr int exit_no_exec = 127;

std::vector<char*> pointers(const std::vector<std::string>& strings)
{
    std::vector<char*> result;
    for (const auto& text : strings)
        result.push_back(const_cast<char*>(text.c_str()));  // execve() does not write, its type is older than const
    result.push_back(nullptr);
    return result;
}

// Signals wait while the object lives. A child that is born meanwhile loses none to the handlers of its parent.
class SignalPause {
public:
    SignalPause()
    {
        sigset_t all;
        sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalPause() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
    SignalPause(const SignalPause&) = delete;

private:
    sigset_t before_;
};

// A SIGTERM that has come already ends the process here.
void reset_signals()
{
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Moves the descriptors to 3, 4... First all of them are lifted above these numbers, so that none is overwritten.
bool arrange(int channel, const std::vector<int>& sockets)
{
    std::vector<int> sources{channel};
    sources.insert(sources.end(), sockets.begin(), sockets.end());
    int end = channel_descriptor + static_cast<int>(sources.size());
    for (auto& fd : sources)
        fd = ::fcntl(fd, F_DUPFD, end);
    for (std::size_t i = 0; i < sources.size(); ++i)
        if (sources[i] < 0 || ::dup2(sources[i], channel_descriptor + static_cast<int>(i)) < 0)
            return false;
    return ::close_range(static_cast<unsigned>(end), ~0u, 0) == 0;
}

bool arrange_standard(bool keeps_output)
{
    int null = ::open("/dev/null", O_RDWR);
    if (null < 0)
        return false;
    for (int fd = 0; fd < (keeps_output ? 1 : 3); ++fd)
        if (::dup2(null, fd) < 0)
            return false;
    return true;
}

[[noreturn]] void become(std::vector<char*>& arguments, std::vector<char*>& environment, int channel, const std::vector<int>& sockets,
                         bool keeps_output)
{
    ::setpgid(0, 0);
    ::umask(077);  // mail is private unless somebody says otherwise
    reset_signals();
    if (arrange_standard(keeps_output) && arrange(channel, sockets))
        ::execve(arguments[0], arguments.data(), environment.data());
    ::_exit(exit_no_exec);
}

}  // namespace

Result<Spawned> spawn(const std::string& program, const std::vector<std::string>& arguments, const std::vector<int>& sockets,
                      const Surroundings& surroundings)
{
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return errno_error("socketpair");
    Fd ours(pair[0]), theirs(pair[1]);
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    auto argv = pointers(words);
    auto descriptors = sockets;
    if (surroundings.hit_counts >= 0)
        descriptors.push_back(surroundings.hit_counts);
    auto environment = pointers(surroundings.environment);
    SignalPause pause;
    pid_t pid = ::fork();
    if (pid < 0)
        return errno_error("fork");
    if (pid == 0)
        become(argv, environment, theirs.get(), descriptors, surroundings.keeps_output);
    ::setpgid(pid, pid);  // here as well: whoever comes first
    return Spawned{pid, std::move(ours)};
}

std::vector<std::string> make_environment(const std::vector<std::string>& rules)
{
    std::vector<std::string> result;
    for (const auto& rule : rules) {
        if (rule.find('=') != std::string::npos)
            result.push_back(rule);
        else if (const char* value = std::getenv(rule.c_str()))
            result.push_back(cat(rule, "=", value));
    }
    return result;
}

}  // namespace mta::master
