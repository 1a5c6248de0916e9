#include "notify/instance.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace mta::notify {

namespace {

constexpr long read_limit_us = 200000;
constexpr int reads_at_once = 16;    // then others have their turn

// A read from a descriptor that somebody else can make a blocking one, and empty, at any time.
ssize_t read_within_limit(int fd, char* into, std::size_t size)
{
    itimerval limit{{0, read_limit_us}, {0, read_limit_us}}, none{};
    ::setitimer(ITIMER_REAL, &limit, nullptr);
    auto count = ::read(fd, into, size);
    auto error = errno;
    ::setitimer(ITIMER_REAL, &none, nullptr);
    errno = error;
    return count;
}

}  // namespace

// Nothing has an empty name; but only an inotify descriptor is asked to look for it.
bool is_inotify(const Fd& fd) { return ::inotify_add_watch(fd.get(), "", IN_MODIFY) < 0 && errno == ENOENT; }

Instance::Instance(event::Loop& loop, Fd fd, Handlers handlers) : fd_(std::move(fd)), handlers_(std::move(handlers))
{
    struct sigaction interrupt {};
    interrupt.sa_handler = [](int) {};  // without SA_RESTART: the read ends
    ::sigaction(SIGALRM, &interrupt, nullptr);
    ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
    watch_ = std::make_unique<event::Watch>(loop, fd_.get(), event::readable, [this](short) { ready(); });
}

Fd Instance::copy() const { return Fd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0)); }

void Instance::remove(int watch) { ::inotify_rm_watch(fd_.get(), watch); }

void Instance::ready()
{
    std::vector<int> watches;
    bool has_overflowed = false;
    bool is_good = read_events(watches, has_overflowed);
    for (int watch : watches)
        handlers_.happened(watch);
    if (has_overflowed)
        handlers_.overflowed();
    if (!is_good) {
        auto broken = handlers_.broken;  // a copy: it may destroy this
        broken();
    }
}

// The watches with events, each once; false if reading fails as it can do only by somebody's will.
bool Instance::read_events(std::vector<int>& watches, bool& has_overflowed)
{
    alignas(inotify_event) std::array<char, 16384> bytes;
    for (int i = 0; i < reads_at_once; ++i) {
        auto count = read_within_limit(fd_.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EAGAIN)
            break;
        if (count <= 0)
            return false;
        for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
            inotify_event event;
            std::memcpy(&event, bytes.data() + at, sizeof event);
            at += sizeof event + event.len;
            has_overflowed |= (event.mask & IN_Q_OVERFLOW) != 0;
            if (event.wd >= 0 && std::find(watches.begin(), watches.end(), event.wd) == watches.end())
                watches.push_back(event.wd);
        }
    }
    return true;
}

}  // namespace mta::notify
