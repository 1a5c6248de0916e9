#include "maildir/errors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/text.h"
#include "maildir/mailbox.h"

namespace mta::maildir {
namespace {

const char* status_of(int error)
{
    switch (error) {
    case EDQUOT: return over_quota;
    case ENOSPC: return disk_full;
    case EROFS: return read_only_disk;
    case EACCES:
    case EPERM: return "4.2.0";
    default: return "4.3.0";
    }
}

}  // namespace

Error io_error(std::string_view what)
{
    const int error = errno;
    return Error{cat(what, ": ", std::strerror(error)), status_of(error)};
}

bool lacks_room(const Error& error)
{
    return error.status == disk_full || error.status == over_quota || error.status == read_only_disk;
}

Result<void> put(int fd, std::string_view bytes, std::string_view what)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return io_error(what);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> make_durable(int fd, std::string_view what)
{
    if (::fsync(fd) < 0)
        return io_error(what);
    return {};
}

Result<void> make_directory_durable(const std::string& path)
{
    const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory)
        return io_error(path);
    return make_durable(directory.get(), path);
}

}  // namespace mta::maildir
