#include "daemon/layout.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "queue/directory.h"

namespace mta::daemon {

namespace {

constexpr unsigned mode_bits = 07777;

std::string octal(unsigned mode)
{
    std::string text;
    for (int shift = 9; shift >= 0; shift -= 3)
        text += static_cast<char>('0' + (mode >> shift & 7));
    return text;
}

// Owner and mode of the very directory that path names now: a symbolic link is not followed.
Result<void> correct(const Directory& directory, const Owner& owner)
{
    Fd fd(::open(directory.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd)
        return errno_error(cat("open ", directory.path));
    if (::geteuid() == 0) {
        auto uid = directory.is_roots ? 0 : owner.uid;
        auto gid = directory.is_roots ? 0 : owner.gid;
        if (::fchown(fd.get(), uid, gid) != 0)
            return errno_error(cat("chown ", directory.path));
    }
    if (::fchmod(fd.get(), directory.mode) != 0)
        return errno_error(cat("chmod ", directory.path));
    return {};
}

Result<bool> make(const Directory& directory)
{
    if (auto made = make_directories(directory_above(directory.path), 0755); !made)
        return made.error();
    if (::mkdir(directory.path.c_str(), directory.mode) == 0)
        return true;
    if (errno == EEXIST)
        return false;
    return errno_error(cat("mkdir ", directory.path));
}

// The names of what is made are durable before any mail is: a queue file in a directory that a power cut takes back is lost.
Result<void> lay_out(const std::vector<Directory>& layout, const Owner& owner, bool repair)
{
    std::set<std::string> parents;
    for (const auto& directory : layout) {
        auto made = make(directory);
        if (!made)
            return made.error();
        if (*made)
            parents.insert(directory_above(directory.path));
        if (*made || repair)
            if (auto done = correct(directory, owner); !done)
                return done;
    }
    for (const auto& parent : parents)
        if (auto done = sync_directory(parent); !done)
            return done;
    return {};
}

}  // namespace

Result<Owner> Owner::find(const std::string& user)
{
    if (::geteuid() != 0)
        return Owner{::geteuid(), ::getegid()};
    errno = 0;
    if (const passwd* entry = ::getpwnam(user.c_str()))
        return Owner{entry->pw_uid, entry->pw_gid};
    if (errno != 0 && errno != ENOENT)
        return errno_error(cat("look up user ", user));
    return failure(cat("mail_owner: there is no user \"", user, "\" (make install-users creates it)"));
}

std::vector<Directory> directories(const std::string& queue_directory, const std::string& data_directory)
{
    std::vector<Directory> result{{queue_directory, 0755, true}, {cat(queue_directory, "/pid"), 0755, true}};
    for (const auto& name : queue::Directory::subdirectories())
        result.push_back({cat(queue_directory, "/", name), 0700, false});
    result.push_back({cat(queue_directory, "/private"), 0750, false});
    result.push_back({cat(queue_directory, "/public"), 0755, false});
    result.push_back({data_directory, 0700, false});
    return result;
}

Result<void> make_layout(const std::vector<Directory>& layout, const Owner& owner) { return lay_out(layout, owner, false); }

std::vector<std::string> check_layout(const std::vector<Directory>& layout, const Owner& owner)
{
    std::vector<std::string> wrong;
    bool is_root = ::geteuid() == 0;
    for (const auto& [path, mode, is_roots] : layout) {
        struct stat status;
        if (::lstat(path.c_str(), &status) != 0) {
            wrong.push_back(cat(path, ": missing"));
            continue;
        }
        auto uid = is_roots && is_root ? 0u : owner.uid;
        if (!S_ISDIR(status.st_mode))
            wrong.push_back(cat(path, ": not a directory"));
        else if (status.st_uid != uid)
            wrong.push_back(cat(path, ": owned by user ", status.st_uid, ", must be ", uid));
        else if ((status.st_mode & mode_bits) != mode)
            wrong.push_back(cat(path, ": mode is ", octal(status.st_mode & mode_bits), ", must be ", octal(mode)));
    }
    return wrong;
}

Result<void> repair_layout(const std::vector<Directory>& layout, const Owner& owner) { return lay_out(layout, owner, true); }

}  // namespace mta::daemon
