#include "master/post.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "log/log.h"

namespace mta::master {

namespace {

using namespace std::string_view_literals;

// An attribute list (see lib/ipc) of one attribute.
constexpr auto wakeup_message = "request\0wakeup\0\0"sv;

}  // namespace

void send_wakeup(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return;
    path.copy(address.sun_path, path.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return;  // a full backlog: the service has enough to do
    (void)!::send(fd.get(), wakeup_message.data(), wakeup_message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

Post::Post(Duty& duty, Job job)
    : duty_(duty), job_(std::move(job)), backoff_(duty.throttle_limit), restart_(duty.loop, [this] { start(); }),
      wakeup_(duty.loop, [this] { wake(); })
{
}

void Post::start()
{
    restart_.stop();
    auto spawned = spawn(job_.program, job_.arguments, duty_.sockets.descriptors(job_.sockets), duty_.surroundings);
    if (!spawned) {
        log::warning("cannot start ", job_.program, ": ", spawned.error().text);
        return failed(std::nullopt);
    }
    current_ = std::make_unique<Process>(duty_, job_.program, std::move(*spawned), [this] { became_ready(); });
}

void Post::became_ready()
{
    has_failed_ = false;
    if (job_.wakeup.count() > 0)
        wakeup_.start(job_.wakeup);
    duty_.changed();
}

void Post::wake()
{
    send_wakeup(job_.sockets.front().path);
    wakeup_.start(job_.wakeup);
}

// Processes of a single job follow each other: the new one is started when the old one has exited.
void Post::replace(Job job)
{
    job_ = std::move(job);
    backoff_ = Backoff(duty_.throttle_limit);
    has_failed_ = false;
    restart_.stop();
    wakeup_.stop();
    if (current_ && job_.is_single) {
        current_->drain(duty_.drain_limit);
        old_.push_back(std::move(current_));
    }
    relieve();
    if (!job_.is_single || old_.empty())
        start();
}

void Post::retire()
{
    close();
    relieve();
}

void Post::close()
{
    is_retired_ = true;
    restart_.stop();
    wakeup_.stop();
}

// The current process gets no new work.
void Post::relieve()
{
    if (!current_)
        return;
    job_.serves_on ? current_->retire() : current_->drain();
    old_.push_back(std::move(current_));
}

void Post::drain()
{
    close();
    if (current_)
        old_.push_back(std::move(current_));
    for (auto& process : old_)
        process->drain(duty_.drain_limit);
}

void Post::end()
{
    close();
    if (current_)
        old_.push_back(std::move(current_));
    for (auto& process : old_)
        process->end();
}

bool Post::exited(pid_t pid, int status)
{
    if (current_ && current_->pid() == pid) {
        current_->log_exit(status);
        auto ready_for = current_->ready_for();
        current_.reset();
        wakeup_.stop();
        failed(ready_for);
        return true;
    }
    auto old = std::find_if(old_.begin(), old_.end(), [pid](const auto& process) { return process->pid() == pid; });
    if (old == old_.end())
        return false;
    (*old)->log_exit(status);
    old_.erase(old);
    if (old_.empty() && !current_ && !is_retired_ && !restart_.pending())
        start();
    return true;
}

// The current process is gone though nobody asked it to end.
void Post::failed(std::optional<std::chrono::milliseconds> ready_for)
{
    auto delay = backoff_.after(ready_for);
    if (delay.count() == 0)
        return start();
    log::warning(job_.program, ": bad command startup -- throttling");
    has_failed_ = true;
    restart_.start(delay);
    duty_.changed();
}

}  // namespace mta::master
