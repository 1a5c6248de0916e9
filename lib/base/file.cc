#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"

namespace mta {

Result<std::string> read_file(const std::string& path, std::size_t max_bytes)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd)
        return errno_error(cat("open ", path));
    std::string content;
    while (true) {
        char chunk[65536] __attribute__((uninitialized));
        auto count = ::read(fd.get(), chunk, sizeof chunk);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno_error(cat("read ", path));
        if (count == 0)
            return content;
        content.append(chunk, static_cast<std::size_t>(count));
        if (content.size() > max_bytes)
            return failure(cat(path, ": larger than ", max_bytes, " bytes"));
    }
}

Result<void> write_all(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        auto count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno_error("write");
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size)
{
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        auto count = ::pread(fd, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno_error("read");
        if (count == 0)
            return failure("unexpected end of file");
        have += static_cast<std::size_t>(count);
    }
    return bytes;
}

Result<void> sync(int fd, std::string_view what)
{
    if (::fsync(fd) != 0)
        return errno_error(cat("fsync ", what));
    return {};
}

Result<void> sync_directory(const std::string& path)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        return errno_error(cat("open ", path));
    return sync(fd.get(), path);
}

Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode)
{
    auto temporary = cat(path, ".tmp.", ::getpid());
    ::unlink(temporary.c_str());
    Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!fd)
        return errno_error(cat("create ", temporary));
    auto done = write_all(fd.get(), content);
    if (done)
        done = sync(fd.get(), temporary);
    if (done && ::close(fd.release()) != 0)
        done = errno_error(cat("close ", temporary));
    if (done && ::rename(temporary.c_str(), path.c_str()) != 0)
        done = errno_error(cat("rename ", temporary));
    if (!done) {
        ::unlink(temporary.c_str());
        return done;
    }
    return sync_directory(directory_above(path));
}

std::string directory_above(std::string_view path)
{
    auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : std::string(path.substr(0, std::max<std::size_t>(slash, 1)));
}

Result<void> make_directories(const std::string& path, unsigned mode)
{
    for (std::size_t end = 1; end != std::string::npos;) {
        end = path.find('/', end + 1);
        auto part = path.substr(0, end);
        if (::mkdir(part.c_str(), end == std::string::npos ? mode : 0755) != 0) {
            if (errno == EEXIST)
                continue;
            return errno_error(cat("mkdir ", part));
        }
        if (auto synced = sync_directory(directory_above(part)); !synced)
            return synced;
    }
    return {};
}

bool exists(const std::string& path)
{
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0;
}

}  // namespace mta
