#include "imapd/watch.h"

#include <unistd.h>

#include "log/log.h"

namespace mta::imapd {

Watch::Watch(const std::vector<std::string>& paths) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))
{
    if (!fd_)
        log::warning(errno_error("inotify").text, "; raise fs.inotify.max_user_instances for quick news in IDLE");
    for (const auto& path : paths)
        if (fd_ && ::inotify_add_watch(fd_.get(), path.c_str(), events) < 0)
            log::warning(errno_error(cat("inotify ", path)).text);
}

void Watch::drain()
{
    alignas(inotify_event) char bytes[16 * 1024];
    while (fd_ && ::read(fd_.get(), bytes, sizeof bytes) > 0)
        continue;
}

}  // namespace mta::imapd
