#include "smtpd/space.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "base/text.h"
#include "log/log.h"

namespace mta::smtpd {

namespace {

constexpr auto look_interval = std::chrono::seconds(1);
constexpr std::uint64_t messages_in_reserve = 2, bytes_divisor = 50, inodes_divisor = 100;  // 2 %, 1 %

}  // namespace

bool has_room(const Space& space, const Reserve& reserve)
{
    auto needed = std::max({messages_in_reserve * reserve.message_bytes, space.bytes / bytes_divisor, reserve.free_bytes});
    bool has_inodes = space.inodes == 0 || space.free_inodes >= space.inodes / inodes_divisor;
    return space.free_bytes >= needed && has_inodes;
}

QueueSpace::QueueSpace(const std::string& file) : file_(::open(file.c_str(), O_PATH | O_CLOEXEC))
{
    if (!file_)
        log::warning("how much room the queue has is not known: ", errno_error(file).text);
}

Space QueueSpace::look()
{
    auto now = std::chrono::steady_clock::now();
    if (now < next_look_)
        return space_;
    next_look_ = now + look_interval;
    struct statvfs facts {};
    if (::fstatvfs(file_.get(), &facts) != 0) {
        log::warning(errno_error("statvfs of the queue directory").text);
        return space_ = Space{1, 0, 0, 0};
    }
    return space_ = {static_cast<std::uint64_t>(facts.f_blocks) * facts.f_frsize, static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize,
                     facts.f_files, facts.f_favail};
}

}  // namespace mta::smtpd
