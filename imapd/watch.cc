#include "imapd/watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include "log/log.h"

namespace mta::imapd {

Watch::Watch(const std::vector<std::string>& paths) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))
{
    constexpr std::uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF;
    if (!fd_)
        log::warning(errno_error("inotify").text, "; raise fs.inotify.max_user_instances for quick news in IDLE");
    for (const auto& path : paths)
        if (fd_ && ::inotify_add_watch(fd_.get(), path.c_str(), events) < 0)
            log::warning(errno_error(cat("inotify ", path)).text);
}

void Watch::drain()
{
    alignas(inotify_event) char events[16 * 1024];
    while (fd_ && ::read(fd_.get(), events, sizeof events) > 0)
        continue;
}

}  // namespace mta::imapd
