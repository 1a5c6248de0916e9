#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "log/log.h"
#include "master/post.h"
#include "net/stream.h"
#include "sandbox/sandbox.h"

namespace mta::master {

namespace {

constexpr std::chrono::milliseconds kill_delay{3000};  // between SIGINT and SIGKILL
constexpr char ready_byte = 'R';

using Clock = std::chrono::steady_clock;

}  // namespace

Process::Process(const Duty& duty, std::string program, Spawned spawned, std::function<void()> ready)
    : program_(std::move(program)), pid_(spawned.pid), channel_(std::move(spawned.channel)), ready_(std::move(ready)),
      escalation_(duty.loop, [this] { escalate(); }), next_signal_(SIGINT)
{
    net::set_nonblocking(channel_.get(), true);
    watch_ = std::make_unique<event::Watch>(duty.loop, channel_.get(), event::readable, [this](short) { read_channel(); });
}

std::optional<std::chrono::milliseconds> Process::ready_for() const
{
    if (!ready_since_)
        return std::nullopt;
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - *ready_since_);
}

// The end of the channel says nothing: whether and how the process ended is what waitpid() tells.
void Process::read_channel()
{
    char byte = 0;
    auto count = ::read(channel_.get(), &byte, 1);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        watch_.reset();
        return;
    }
    if (byte != ready_byte || ready_since_)
        return;
    ready_since_ = Clock::now();
    ready_();
}

void Process::retire() { ::kill(pid_, SIGHUP); }

void Process::drain() { ::kill(pid_, SIGTERM); }

void Process::drain(std::chrono::milliseconds limit)
{
    drain();
    next_signal_ = SIGINT;
    escalation_.start(limit);
}

void Process::end()
{
    next_signal_ = SIGINT;
    escalate();
}

// The group, for the workers of a parent that does not answer do not hear from it either.
void Process::escalate()
{
    if (next_signal_ == SIGKILL)
        log::warning("process ", program_, " pid ", pid_, " does not end, killing it");
    ::kill(-pid_, next_signal_);
    if (next_signal_ == SIGKILL)
        return;
    next_signal_ = SIGKILL;
    escalation_.start(kill_delay);
}

void Process::log_exit(int status) const
{
    if (WIFSIGNALED(status))
        log::warning("process ", program_, " pid ", pid_, " killed by signal ", WTERMSIG(status), sandbox::explain_signal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        log::warning("process ", program_, " pid ", pid_, " exit status ", WEXITSTATUS(status));
}

}  // namespace mta::master
