#include "table/rebuild.h"

#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/file.h"
#include "base/text.h"

namespace mta::table {

Result<ActAs> ActAs::user(uid_t uid, gid_t gid)
{
    ActAs identity;
    identity.groups_.resize(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
    if (::getgroups(static_cast<int>(identity.groups_.size()), identity.groups_.data()) < 0)
        return errno_error("getgroups");
    identity.active_ = true;  // from here on the destructor puts everything back
    if (::setgroups(1, &gid) != 0 || ::setegid(gid) != 0 || ::seteuid(uid) != 0)
        return errno_error(cat("become user ", uid));
    return identity;
}

ActAs::ActAs(ActAs&& other) noexcept : active_(std::exchange(other.active_, false)), groups_(std::move(other.groups_)) {}

ActAs::~ActAs()
{
    if (!active_)
        return;
    if (::seteuid(0) != 0 || ::setegid(0) != 0 || ::setgroups(groups_.size(), groups_.data()) != 0)
        ::abort();  // we would go on as somebody else
}

namespace {

std::string directory_of(const std::string& path)
{
    auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

// Only root can put names there, so root can work there by path.
bool is_for_root_only(const std::string& directory)
{
    struct stat status {};
    return ::stat(directory.c_str(), &status) == 0 && status.st_uid == 0 && (status.st_mode & 022) == 0;
}

// Waits until nobody else rebuilds the file; an empty Fd if there is none.
Result<Fd> lock(const std::string& path)
{
    while (true) {
        Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (!fd && errno == ENOENT)
            return Fd();
        if (!fd)
            return errno_error(cat("open ", path));
        struct flock whole_file {};
        whole_file.l_type = F_WRLCK;
        while (::fcntl(fd.get(), F_OFD_SETLKW, &whole_file) != 0) {
            if (errno != EINTR)
                return errno_error(cat("lock ", path));
        }
        struct stat locked {}, named {};
        if (::fstat(fd.get(), &locked) != 0 || (::stat(path.c_str(), &named) != 0 && errno != ENOENT))
            return errno_error(cat("stat ", path));
        if (locked.st_ino == named.st_ino && locked.st_dev == named.st_dev)
            return fd;  // else it was replaced while we waited
    }
}

}  // namespace

Result<ActAs> Rebuild::identity_for(const Settings& settings)
{
    bool is_foreign = settings.source && settings.source->st_uid != 0 && !is_for_root_only(directory_of(settings.path));
    if (!is_foreign || !settings.become_owner || ::geteuid() != 0)
        return ActAs();
    return ActAs::user(settings.source->st_uid, settings.source->st_gid);
}

Result<Rebuild> Rebuild::begin(const Settings& settings)
{
    auto identity = identity_for(settings);
    if (!identity)
        return identity.error();
    auto locked = lock(settings.path);
    if (!locked)
        return locked.error();
    auto temporary = cat(settings.path, ".tmp.", ::getpid());
    ::unlink(temporary.c_str());
    auto file = Bdb::create(temporary, settings.type);
    if (!file)
        return file.error();
    return Rebuild(settings, std::move(*identity), std::move(*locked), std::move(*file), std::move(temporary));
}

Rebuild::Rebuild(Settings settings, ActAs identity, Fd lock, Bdb file, std::string temporary)
    : settings_(std::move(settings)), identity_(std::move(identity)), lock_(std::move(lock)), file_(std::move(file)),
      temporary_(std::move(temporary))
{
}

Rebuild::Rebuild(Rebuild&& other) noexcept
    : settings_(std::move(other.settings_)), identity_(std::move(other.identity_)), lock_(std::move(other.lock_)),
      file_(std::move(other.file_)), temporary_(std::exchange(other.temporary_, {}))
{
}

Rebuild::~Rebuild()
{
    if (!temporary_.empty())
        ::unlink(temporary_.c_str());
}

Result<void> Rebuild::copy_old(const std::function<bool(std::string_view key)>& keep)
{
    if (!lock_)
        return {};
    auto old = Bdb::open(settings_.path, settings_.type);
    if (!old)
        return old.error();
    if (!old->has_checksums())
        if (auto verified = Bdb::verify(settings_.path); !verified)
            return verified;
    Result<void> copied;
    auto read = old->for_each([&](std::string_view key, std::string_view value) {
        if (!copied || !keep(key))
            return;
        if (auto put = file_.put(key, value, true); !put)
            copied = put.error();
    });
    return copied ? read : copied;
}

// As the old file had them; a first one belongs to the owner of its text.
Result<void> Rebuild::set_rights(int fd) const
{
    struct stat rights {};
    bool has_model = lock_ && ::fstat(lock_.get(), &rights) == 0;
    if (!has_model) {
        rights.st_mode = settings_.mode;
        rights.st_uid = settings_.source && settings_.become_owner ? settings_.source->st_uid : ::geteuid();
        rights.st_gid = settings_.source && settings_.become_owner ? settings_.source->st_gid : ::getegid();
    }
    if (::geteuid() == 0 && ::fchown(fd, rights.st_uid, rights.st_gid) != 0)
        return errno_error(cat("chown ", temporary_));
    if (::fchmod(fd, rights.st_mode & 0777) != 0)
        return errno_error(cat("chmod ", temporary_));
    return {};
}

Result<void> Rebuild::commit()
{
    Fd fd(::fcntl(file_.fd(), F_DUPFD_CLOEXEC, 0));
    if (!fd)
        return errno_error(cat("dup ", temporary_));
    auto done = file_.close();
    if (done)
        done = Bdb::verify(temporary_);
    if (done)
        done = set_rights(fd.get());
    if (done)
        done = sync(fd.get(), temporary_);
    if (done && ::rename(temporary_.c_str(), settings_.path.c_str()) != 0)
        done = errno_error(cat("rename ", temporary_));
    if (!done)
        return done;
    temporary_.clear();
    return sync_directory(directory_of(settings_.path));
}

}  // namespace mta::table
