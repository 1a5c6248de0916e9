#include "buuta/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/fd.h"
#include "base/text.h"

namespace mta::buuta {

namespace {

constexpr unsigned others_write = S_IWGRP | S_IWOTH;

// The directory itself, then what is directly in it: programs may be links to a build tree, tables may be anywhere.
std::vector<std::string> entries(const std::string& directory)
{
    std::vector<std::string> result;
    std::unique_ptr<DIR, Release<closedir>> handle(::opendir(directory.c_str()));
    while (const dirent* entry = handle ? ::readdir(handle.get()) : nullptr) {
        std::string name = entry->d_name;
        if (name != "." && name != "..")
            result.push_back(cat(directory, "/", name));
    }
    std::sort(result.begin(), result.end());
    result.insert(result.begin(), directory);
    return result;
}

void judge(const std::string& path, std::vector<std::string>& faults)
{
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) {
        faults.push_back(errno_error(path).text);
        return;
    }
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        faults.push_back(cat(path, ": owned by user ", status.st_uid, ", must be ", ::geteuid()));
    if (status.st_mode & others_write)
        faults.push_back(cat(path, ": group or others can write to it"));
}

Result<void> correct(const std::string& path)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status;
    if (!fd && errno == ELOOP)
        return {};  // what a link points to belongs to somebody else's tree
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return errno_error(path);
    if (::geteuid() == 0 && status.st_uid != 0 && ::fchown(fd.get(), 0, 0) != 0)
        return errno_error(cat("chown ", path));
    if (status.st_mode & others_write && ::fchmod(fd.get(), status.st_mode & 07777 & ~others_write) != 0)
        return errno_error(cat("chmod ", path));
    return {};
}

}  // namespace

std::vector<std::string> unsafe_files(const std::string& config_directory, const std::string& daemon_directory)
{
    std::vector<std::string> faults;
    for (const auto& directory : {config_directory, daemon_directory})
        for (const auto& path : entries(directory))
            judge(path, faults);
    return faults;
}

Result<void> repair_files(const std::string& config_directory, const std::string& daemon_directory)
{
    for (const auto& directory : {config_directory, daemon_directory})
        for (const auto& path : entries(directory))
            if (auto corrected = correct(path); !corrected)
                return corrected;
    return {};
}

}  // namespace mta::buuta
