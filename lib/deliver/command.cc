#include "deliver/command.h"

#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "mail/status.h"
#include "net/stream.h"

namespace mta::deliver {

namespace {

constexpr std::size_t max_output_bytes = 4096;
constexpr int exit_no_exec = 127, reads_at_once = 32;
constexpr long progress_milliseconds = 1000;
constexpr std::string_view line_ends = "\r\n";

struct Pipe {
    Fd read, write;
    Pipe()
    {
        int fds[2];
        if (::pipe2(fds, O_CLOEXEC) != 0)
            throw_errno("pipe");
        read.reset(fds[0]);
        write.reset(fds[1]);
    }
};

std::vector<char*> pointers(const std::vector<std::string>& strings)
{
    std::vector<char*> result;
    for (const auto& text : strings)
        result.push_back(const_cast<char*>(text.c_str()));  // exec does not write, its type is older than const
    result.push_back(nullptr);
    return result;
}

// fork(2) and pidfd_open(2) in one: where there is no descriptor for its end, no command has begun.
pid_t fork_with_descriptor(Fd& end)
{
    int fd = -1;
    auto pid = static_cast<pid_t>(::syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, &fd, nullptr, nullptr));
    if (pid > 0)
        end.reset(fd);
    return pid;
}

// In the child. The process group makes it possible to kill what the command starts, too.
[[noreturn]] void become_command(const Command& command, std::vector<char*>& argv, std::vector<char*>& environment, int input, int output, int trouble)
{
    ::setsid();
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    auto processes = static_cast<rlim_t>(std::max(command.process_limit, 0L));
    rlimit limit{};
    if (::getrlimit(RLIMIT_NPROC, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max = std::min(limit.rlim_max, processes);
        ::setrlimit(RLIMIT_NPROC, &limit);
    }
    bool is_ready = ::dup2(input, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2 && ::dup2(trouble, 3) == 3 &&
                    ::fcntl(3, F_SETFD, FD_CLOEXEC) == 0 && ::close_range(4, ~0u, 0) == 0 &&
                    (command.directory.empty() || ::chdir(command.directory.c_str()) == 0);
    if (is_ready) {
        environ = environment.data();
        ::execvp(argv[0], argv.data());
    }
    int error = errno;
    (void)!::write(3, &error, sizeof error);
    ::_exit(exit_no_exec);
}

class Running {
public:
    Running(const Command& command, const Source& source)
        : source_(source), progress_(command.progress), deadline_(Clock::now() + command.time_limit)
    {
        Pipe input, output, trouble;
        auto argv = pointers(command.arguments);
        auto environment = pointers(command.environment);
        net::set_nonblocking(input.write.get(), true);
        net::set_nonblocking(output.read.get(), true);
        pid_ = fork_with_descriptor(exit_);
        if (pid_ < 0)
            throw_errno("fork");
        if (pid_ == 0)
            become_command(command, argv, environment, lifted(input.read), lifted(output.write), lifted(trouble.write));
        input_ = std::move(input.write);
        output_ = std::move(output.read);
        trouble_ = std::move(trouble.read);
    }

    ~Running()
    {
        if (pid_ <= 0)
            return;
        ::kill(-pid_, SIGKILL);
        wait();
    }

    Ended run()
    {
        while (step()) {
        }
        if (ended_.timed_out)
            ::kill(-pid_, SIGKILL);
        read_output();
        ended_.wait_status = wait();
        int error = 0;
        input_.reset();
        if (::read(trouble_.get(), &error, sizeof error) == sizeof error) {
            errno = error;
            ended_.not_started = errno_error("exec");
        }
        while (!ended_.output.empty() && is_space(ended_.output.back()))
            ended_.output.pop_back();
        return std::move(ended_);
    }

private:
    using Clock = std::chrono::steady_clock;

    // Out of the way of 0 to 3, where they will be put.
    static int lifted(const Fd& fd) { return ::fcntl(fd.get(), F_DUPFD, 10); }

    int wait()
    {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return status;
    }

    // False when the command has exited, whoever still holds its standard output, or when the time is over.
    bool step()
    {
        pollfd polls[3] = {{exit_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}, {input_.get(), POLLOUT, 0}};
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
        if (left <= 0) {
            ended_.timed_out = true;
            return false;
        }
        if (::poll(polls, 3, static_cast<int>(std::min<long>(left, progress_milliseconds))) < 0 && errno != EINTR)
            throw_errno("poll");
        progress_();
        if (polls[1].revents)
            read_output();
        if (polls[2].revents)
            write_input();
        return !polls[0].revents;
    }

    void read_output()
    {
        char bytes[4096];
        ssize_t count = 1;
        for (int i = 0; i < reads_at_once && count > 0; ++i)  // who prints without end must not keep us from looking at the clock
            if ((count = ::read(output_.get(), bytes, sizeof bytes)) > 0)
                keep(std::string_view(bytes, static_cast<std::size_t>(count)));
        if (count == 0)
            output_.reset();  // poll(2) skips negative descriptors
    }

    void keep(std::string_view bytes)
    {
        auto room = max_output_bytes - std::min(max_output_bytes, ended_.output.size());
        for (char c : bytes.substr(0, room)) {
            if (line_ends.find(c) == std::string_view::npos)
                ended_.output += c;
            else if (!ended_.output.ends_with(' '))
                ended_.output += ' ';
        }
    }

    void write_input()
    {
        if (pending_.empty())
            pending_ = source_();
        if (pending_.empty())
            return input_.reset();
        auto count = ::write(input_.get(), pending_.data(), pending_.size());
        if (count >= 0)
            pending_.erase(0, static_cast<std::size_t>(count));
        else if (errno == EPIPE)
            input_.reset();
        else if (errno != EAGAIN && errno != EINTR)
            throw_errno("write to command");
    }

    const Source& source_;
    const std::function<void()>& progress_;
    Clock::time_point deadline_;
    pid_t pid_ = -1;
    Fd input_, output_, trouble_, exit_;
    std::string pending_;
    Ended ended_;
};

struct ExitCode {
    int number;
    std::string_view status, text;
};
// sysexits.h and what its codes mean for mail.
constexpr ExitCode exit_codes[] = {
    {64, "5.3.0", "command line usage error"},
    {65, "5.6.0", "data format error"},
    {66, "5.3.0", "cannot open input"},
    {67, "5.1.1", "user unknown"},
    {68, "5.1.2", "host name unknown"},
    {69, "5.3.0", "service unavailable"},
    {70, "5.3.0", "internal software error"},
    {71, "4.3.0", "system resource problem"},
    {72, "5.3.0", "critical OS file missing"},
    {73, "5.2.0", "can't create user output file"},
    {74, "5.3.0", "input/output error"},
    {75, "4.3.0", "temporary failure"},
    {76, "5.5.0", "remote error in protocol"},
    {77, "5.7.0", "permission denied"},
    {78, "5.3.5", "local configuration error"},
};

Outcome failed(std::string status, std::string text)
{
    return outcome_of(Error{std::move(text), std::move(status)});
}

}  // namespace

Ended run_command(const Command& command, const Source& source)
{
    (void)::signal(SIGPIPE, SIG_IGN);
    return Running(command, source).run();
}

Outcome judge(const Ended& ended, const std::string& command_line)
{
    auto output = ended.output.empty() ? std::string() : cat(". Command output: ", ended.output);
    if (ended.not_started)
        return failed("4.3.0", cat("cannot run command \"", command_line, "\": ", ended.not_started->text));
    if (ended.timed_out)
        return failed("4.3.0", cat("Command time limit exceeded: \"", command_line, "\"", output));
    if (WIFSIGNALED(ended.wait_status))
        return failed("4.3.0", cat("Command died with signal ", WTERMSIG(ended.wait_status), ": \"", command_line, "\"", output));
    int code = WEXITSTATUS(ended.wait_status);
    if (code == 0)
        return sent("");
    if (auto own = mail::split_status(ended.output, ""); !own.status.empty() && own.status.front() != '2')
        return failed(own.status, std::string(own.text));
    for (const auto& known : exit_codes)
        if (known.number == code)
            return failed(std::string(known.status), cat(known.text, output));
    return failed("5.3.0", cat("Command died with status ", code, ": \"", command_line, "\"", output));
}

std::vector<std::string> command_environment(const std::vector<std::string>& rules)
{
    std::vector<std::string> result{cat("PATH=", _PATH_DEFPATH)};
    for (const auto& rule : rules) {
        if (rule.find('=') != std::string::npos)
            result.push_back(rule);
        else if (const char* value = std::getenv(rule.c_str()); value && rule != "PATH")
            result.push_back(cat(rule, "=", value));
    }
    return result;
}

}  // namespace mta::deliver
