#include "maildir/root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "maildir/errors.h"
#include "maildir/folder_name.h"
#include "maildir/mailbox.h"
#include "maildir/scan.h"
#include "maildir/uid_list.h"

namespace mta::maildir {
namespace {

std::string above(const std::string& path)
{
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// One directory, and its name in the one above made durable.
Result<void> make_directory(const std::string& path, mode_t mode)
{
    if (::mkdir(path.c_str(), mode) < 0) {
        if (errno == EEXIST)
            return {};
        return io_error(cat("mkdir ", path));
    }
    return make_directory_durable(above(path));
}

// An Error if that cannot be told now: clients forget what they hold of a folder that is gone.
Result<bool> is_folder(const std::string& directory)
{
    struct stat status {};
    if (::stat(directory.c_str(), &status) == 0)
        return S_ISDIR(status.st_mode);
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
        return false;
    return io_error(directory);
}

}  // namespace

Result<void> make_maildir(const std::string& path)
{
    auto whole = path;
    while (whole.size() > 1 && whole.back() == '/')
        whole.pop_back();
    std::vector<std::string> missing;
    for (auto at = whole; !exists(at) && at != "." && at != "/"; at = above(at))
        missing.push_back(at);
    std::reverse(missing.begin(), missing.end());
    for (const auto& directory : missing)
        if (auto done = make_directory(directory, 0700); !done)
            return done;
    for (const auto* part : {"/tmp", "/new", "/cur"})
        if (auto done = make_directory(whole + part, 0700); !done)
            return done;
    // Maildir++: says that the mailbox is a folder of the one above.
    const bool is_subfolder = whole.substr(whole.rfind('/') + 1).starts_with('.');
    if (is_subfolder && !missing.empty())
        Fd(::open((whole + "/maildirfolder").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return {};
}

void remove_old_temporaries(const std::string& maildir)
{
    constexpr std::time_t old_age = 36 * 3600L;
    const auto names = file_names(maildir + "/tmp");
    if (!names)
        return;
    for (const auto& name : *names) {
        const auto path = cat(maildir, "/tmp/", name);
        struct stat status {};
        if (::lstat(path.c_str(), &status) == 0 && std::max(status.st_mtime, status.st_ctime) < std::time(nullptr) - old_age)
            ::unlink(path.c_str());
    }
}

std::string Root::directory(std::string_view name) const
{
    const auto below = directory_of(name);
    return below.empty() ? path_ : cat(path_, '/', below);
}

Result<std::string> Root::find(std::string_view name) const
{
    const auto normal = normal_name(name);
    if (!normal)
        return normal.error();
    const auto found = directory(*normal);
    auto is_there = is_folder(found);
    if (!is_there)
        return is_there.error();
    if (!*is_there)
        return Error{cat("no folder ", *normal), no_such_folder};
    for (const auto* part : {"/tmp", "/new", "/cur"}) {
        auto has_part = is_folder(found + part);
        auto done = !has_part ? Result<void>(has_part.error()) : *has_part ? Result<void>() : make_directory(found + part, 0700);
        if (!done)
            return done.error();
    }
    return found;
}

std::uint32_t Root::session_uid_validity() const
{
    std::uint32_t last = 0;
    if (auto text = read_file(uid_validity_path(), 100))
        last = parse_number<std::uint32_t>(trim(*text)).value_or(0);
    return std::max(static_cast<std::uint32_t>(std::time(nullptr)), last + 1);
}

Result<std::uint32_t> Root::new_uid_validity() const
{
    Lock lock(lock_path());
    const auto guard = lock.take();
    if (!guard)
        return guard.error();
    const auto next = session_uid_validity() + 1;
    if (auto done = replace_file(uid_validity_path(), cat(next, '\n'), 0600); !done)
        return done.error();
    return next;
}

}  // namespace mta::maildir
