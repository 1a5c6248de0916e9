#include "maildir/scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <unordered_map>

#include "base/text.h"
#include "maildir/errors.h"
#include "maildir/file_name.h"

namespace mta::maildir {
namespace {

using Directory = std::unique_ptr<DIR, Release<closedir>>;

std::int64_t in_ns(const timespec& time) { return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec; }

Error directory_error(const std::string& path)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return Error{cat(path, ": no such folder"), no_such_folder};
    return io_error(path);
}

bool is_file(const Directory& directory, const dirent& entry)
{
    struct stat status {};
    if (entry.d_type == DT_UNKNOWN)
        return ::fstatat(::dirfd(directory.get()), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
    return entry.d_type == DT_REG;
}

Result<void> scan_into(std::vector<Found>& found, const std::string& path, bool is_new)
{
    const Directory directory(::opendir(path.c_str()));
    if (!directory)
        return directory_error(path);
    errno = 0;
    while (const dirent* entry = ::readdir(directory.get())) {
        if (is_message_name(entry->d_name) && is_file(directory, *entry))
            found.push_back({entry->d_name, entry->d_ino, is_new});
        errno = 0;
    }
    if (errno != 0)
        return io_error(path);
    return {};
}

std::string_view before_comma(std::string_view name) { return name.substr(0, name.find(',')); }

// Gives the file another base name.
bool make_different(const std::string& directory, Found& found)
{
    const auto old_path = cat(directory, '/', found.path());
    const auto parts = split_name(found.name);
    const auto name = cat(parts.base, ",X=", unique_id(), parts.suffix);
    if (::renameat2(AT_FDCWD, old_path.c_str(), AT_FDCWD, cat(directory, found.is_new ? "/new/" : "/cur/", name).c_str(),
                    RENAME_NOREPLACE) < 0)
        return false;
    found.name = name;
    return true;
}

// The files by base name.
std::unordered_map<std::string_view, std::size_t> index_files(const std::string& directory, std::vector<Found>& found)
{
    std::unordered_map<std::string_view, std::size_t> by_base;
    by_base.reserve(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto [other, is_first] = by_base.emplace(split_name(found[i].name).base, i);
        if (is_first)
            continue;
        auto& first = found[other->second];
        if (first.inode == found[i].inode || !make_different(directory, found[i])) {
            // Seen in new/ and then in cur/: the later look is the truth.
            const auto at = other->second;
            by_base.erase(other);
            found[at] = std::move(found[i]);
            found[i] = {};
            by_base.emplace(split_name(found[at].name).base, at);
        } else {
            by_base.emplace(split_name(found[i].name).base, i);
        }
    }
    return by_base;
}

// A name that another program has changed (mbsync adds ",U=7"): the same inode, and it was not made anew for another file,
// as it is older than our last look at the directories, or size and date are the same.
bool is_same_message(const std::string& directory, const Mark& mark, const Record& record, const Found& found)
{
    if (before_comma(split_name(record.name).base) == before_comma(split_name(found.name).base))
        return true;
    constexpr std::time_t slack = 120;  // between the date in a name of ours and the end of writing
    struct statx status {};
    if (::statx(AT_FDCWD, cat(directory, '/', found.path()).c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status) < 0)
        return false;
    const auto birth = status.stx_btime.tv_sec * 1'000'000'000 + status.stx_btime.tv_nsec;
    if (status.stx_mask & STATX_BTIME && birth < std::max(mark.times.new_time, mark.times.cur_time))
        return true;
    return record.facts && status.stx_size == record.facts->size && std::llabs(status.stx_mtime.tv_sec - record.facts->date) <= slack;
}

void match_by_inode(const std::string& directory, const UidState& state, const std::vector<Found>& found, std::vector<bool>& is_known,
                    Difference& difference)
{
    const auto& records = state.records;
    std::unordered_map<ino_t, std::size_t> by_inode;
    for (std::size_t i = 0; i < found.size(); ++i)
        if (!is_known[i])
            by_inode.emplace(found[i].inode, i);
    std::erase_if(difference.missing, [&](std::size_t record) {
        const auto same = by_inode.find(records[record].inode);
        if (same == by_inode.end() || is_known[same->second] || !is_same_message(directory, state.mark, records[record], found[same->second]))
            return false;
        is_known[same->second] = true;
        difference.renamed.push_back({record, same->second});
        return true;
    });
}

}  // namespace

std::int64_t now_ns()
{
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return in_ns(now);
}

Result<DirTimes> dir_times(const std::string& directory)
{
    DirTimes times;
    struct stat status {};
    for (auto [name, time] : {std::pair{"/new", &times.new_time}, std::pair{"/cur", &times.cur_time}}) {
        const auto path = directory + name;
        if (::stat(path.c_str(), &status) < 0)
            return directory_error(path);
        *time = in_ns(status.st_mtim);
    }
    return times;
}

Result<std::vector<Found>> scan(const std::string& directory)
{
    std::vector<Found> found;
    if (auto done = scan_into(found, directory + "/new", true); !done)
        return done.error();
    if (auto done = scan_into(found, directory + "/cur", false); !done)
        return done.error();
    return found;
}

Result<std::vector<std::string>> file_names(const std::string& path)
{
    std::vector<Found> found;
    if (auto done = scan_into(found, path, false); !done)
        return done.error();
    std::vector<std::string> names;
    for (auto& file : found)
        names.push_back(std::move(file.name));
    return names;
}

Difference compare(const std::string& directory, const UidState& state, std::vector<Found>& found)
{
    const auto& records = state.records;
    Difference difference;
    const auto by_base = index_files(directory, found);
    std::vector<bool> is_known(found.size());
    for (std::size_t i = 0; i < found.size(); ++i)
        is_known[i] = found[i].name.empty();
    for (std::size_t i = 0; i < records.size(); ++i) {
        const auto same = by_base.find(split_name(records[i].name).base);
        if (same == by_base.end()) {
            difference.missing.push_back(i);
            continue;
        }
        const auto& file = found[same->second];
        is_known[same->second] = true;
        if (file.name != records[i].name || file.is_new != records[i].is_new || file.inode != records[i].inode)
            difference.renamed.push_back({i, same->second});
    }
    if (!difference.missing.empty())
        match_by_inode(directory, state, found, is_known, difference);
    for (std::size_t i = 0; i < found.size(); ++i)
        if (!is_known[i])
            difference.added.push_back(i);
    return difference;
}

std::optional<Facts> facts_in(std::string_view name)
{
    if (id_of(name).empty())
        return std::nullopt;
    const auto told = facts_of(split_name(name).base);
    if (!told.date || !told.size)
        return std::nullopt;
    return Facts{*told.date, *told.size, told.crlf_size};
}

Facts facts_of(std::string_view name, const struct stat& status)
{
    const auto told = facts_of(split_name(name).base);
    Facts facts{told.date.value_or(status.st_mtime), static_cast<std::uint64_t>(status.st_size), told.crlf_size};
    if (told.size != facts.size)
        facts.crlf_size.reset();
    return facts;
}

}  // namespace mta::maildir
