#include "daemon/running.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/text.h"

namespace mta::daemon {

namespace {

// Nobody but the owner may open the files, for who can open one can lock it.
constexpr unsigned lock_mode = 0600;
constexpr std::size_t max_pid_bytes = 64;

std::string data_lock(const std::string& data_directory) { return cat(data_directory, "/master.lock"); }
std::string queue_lock(const std::string& queue_directory) { return cat(queue_directory, "/pid/master.lock"); }

Result<Fd> take(const std::string& path)
{
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, lock_mode));
    if (!fd)
        return errno_error(cat("open ", path));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (errno == EWOULDBLOCK)
        return failure("the mail system is already running");
    return errno_error(cat("lock ", path));
}

enum class Held { yes, no, unknown };

Held is_held(const std::string& path)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd)
        return errno == ENOENT ? Held::no : Held::unknown;
    return ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK ? Held::yes : Held::no;
}

bool is_master(pid_t pid)
{
    auto name = read_file(cat("/proc/", pid, "/comm"), max_pid_bytes);
    return name && trim(*name) == "master";
}

}  // namespace

std::string pid_file(const std::string& queue_directory) { return cat(queue_directory, "/pid/master.pid"); }

Result<MasterLock> lock_master(const std::string& queue_directory, const std::string& data_directory)
{
    auto data = take(data_lock(data_directory));
    if (!data)
        return data.error();
    auto queue = take(queue_lock(queue_directory));
    if (!queue)
        return queue.error();
    return MasterLock{std::move(*data), std::move(*queue)};
}

std::optional<pid_t> running_master(const std::string& queue_directory, const std::string& data_directory)
{
    auto held = is_held(data_lock(data_directory));
    if (held == Held::unknown)
        held = is_held(queue_lock(queue_directory));
    if (held == Held::no)
        return std::nullopt;
    auto text = read_file(pid_file(queue_directory), max_pid_bytes);
    if (!text)
        return std::nullopt;
    auto pid = parse_number<pid_t>(trim(*text));
    if (!pid || *pid <= 0)
        return std::nullopt;
    if (held == Held::unknown && !is_master(*pid))
        return std::nullopt;
    return pid;
}

}  // namespace mta::daemon
