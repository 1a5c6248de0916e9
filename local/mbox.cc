#include "local/mbox.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"

namespace mta::local {

using namespace std::chrono_literals;

namespace {

constexpr int lock_tries = 60;
constexpr auto lock_pause = 500ms;
constexpr auto stale_lock_age = 500s;

// file.lock, as Debian policy 11.6 asks for after fcntl; where the directory is not ours to write, fcntl must do.
class DotLock {
public:
    static Result<DotLock> take(const std::string& path)
    {
        DotLock lock;
        auto name = path + ".lock";
        for (int i = 0; i < lock_tries; ++i) {
            Fd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
            if (fd) {
                lock.name_ = name;
                return lock;
            }
            if (errno != EEXIST)
                return lock;
            struct stat status {};
            if (::stat(name.c_str(), &status) == 0 && status.st_mtime + stale_lock_age.count() < std::time(nullptr))
                ::unlink(name.c_str());
            std::this_thread::sleep_for(lock_pause);
        }
        return Error{cat("unable to lock for exclusive access: ", path), "4.2.0"};
    }
    DotLock(DotLock&& other) noexcept : name_(std::exchange(other.name_, "")) {}
    ~DotLock()
    {
        if (!name_.empty())
            ::unlink(name_.c_str());
    }

private:
    DotLock() = default;
    std::string name_;
};

Result<void> lock(int fd, const std::string& path)
{
    struct flock range {};
    range.l_type = F_WRLCK;
    for (int i = 0; i < lock_tries; ++i) {
        if (::fcntl(fd, F_SETLK, &range) == 0)
            return {};
        if (errno != EAGAIN && errno != EACCES)
            return errno_error(cat("lock ", path));
        std::this_thread::sleep_for(lock_pause);
    }
    return Error{cat("unable to lock for exclusive access: ", path), "4.2.0"};
}

Result<void> write_content(int fd, deliver::Content& content)
{
    try {
        for (auto piece = content.next(); !piece.empty(); piece = content.next())
            if (auto done = write_all(fd, piece); !done)
                return done;
    } catch (const std::exception& error) {  // the queue file cannot be read; what is written must go again
        return failure(error.what());
    }
    return sync(fd, "mailbox");
}

// A new file's name must be durable, too; in a directory that we cannot read that is the file system's business.
Result<void> sync_name(const std::string& path)
{
    auto slash = path.rfind('/');
    auto directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    return ::access(directory.c_str(), R_OK) == 0 ? sync_directory(directory) : Result<void>();
}

}  // namespace

Result<void> append_to_mbox(const std::string& path, deliver::Content& content)
{
    if (path == "/dev/null")
        return {};
    Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd)
        return Error{errno_error(cat("open file ", path)).text, "4.2.0"};
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0)
        return errno_error(cat("stat ", path));
    if (!S_ISREG(status.st_mode) || status.st_nlink > 1)
        return Error{cat("destination ", path, " is not a plain file with one name"), "5.2.0"};
    auto dot = DotLock::take(path);
    if (!dot)
        return dot.error();
    if (auto locked = lock(fd.get(), path); !locked)
        return locked;
    auto end = ::lseek(fd.get(), 0, SEEK_END);
    auto done = write_content(fd.get(), content);
    if (done && end == 0)
        done = sync_name(path);
    if (!done && ::ftruncate(fd.get(), end) != 0)
        return errno_error(cat("truncate ", path));
    return done;
}

}  // namespace mta::local
