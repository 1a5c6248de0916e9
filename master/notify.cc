#include "master/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cstddef>

#include "base/text.h"
#include "log/log.h"

namespace mta::master {

Notifier::Notifier(const std::string& address)
{
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address.empty() || address.size() >= sizeof name.sun_path)
        return;
    address.copy(name.sun_path, address.size());
    if (name.sun_path[0] == '@')
        name.sun_path[0] = '\0';
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (fd && ::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0)
        fd_ = std::move(fd);
    else
        log::warning("cannot connect to the service manager at ", address);
}

void Notifier::send(std::string_view message) const
{
    if (fd_)
        (void)!::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Notifier::ready(std::string_view status) const { send(cat("READY=1\nSTATUS=", status, "\n")); }

// systemd needs the time to tell this reload from an earlier one (Type=notify-reload).
void Notifier::reloading() const
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    send(cat("RELOADING=1\nMONOTONIC_USEC=", now.tv_sec * 1000000 + now.tv_nsec / 1000, "\nSTATUS=reloading\n"));
}

void Notifier::stopping() const { send("STOPPING=1\nSTATUS=stopping\n"); }
void Notifier::status(std::string_view text) const { send(cat("STATUS=", text, "\n")); }
void Notifier::watchdog() const { send("WATCHDOG=1\n"); }

std::chrono::milliseconds watchdog_interval(const char* usec, const char* pid)
{
    auto limit = parse_number<long>(usec ? usec : "");
    if (!limit || *limit <= 0 || (pid && parse_number<pid_t>(pid) != ::getpid()))
        return {};
    return std::chrono::milliseconds(*limit / 1000 / 2);  // sd_watchdog_enabled(3) advises half of the time
}

}  // namespace mta::master
