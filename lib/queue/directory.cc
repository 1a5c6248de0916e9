#include "queue/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <new>

#include "base/checksum.h"
#include "base/file.h"
#include "ipc/message.h"
#include "queue/id.h"

namespace mta::queue {

namespace {

constexpr std::array<std::string_view, 5> names{"incoming", "active", "deferred", "hold", "corrupt"};
constexpr std::string_view hash_digits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

// The character that spreads deferred mail over directories: the fastest-changing one of the microseconds.
char hash_of(std::string_view id) { return id[9]; }

}  // namespace

std::string_view name_of(State state) { return names[static_cast<std::size_t>(state)]; }

std::optional<State> state_named(std::string_view name)
{
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
        return std::nullopt;
    return static_cast<State>(found - names.begin());
}

// Counts of directory syncs, one set per state: whoever has renamed takes a number; a sync that starts afterwards covers it.
struct Directory::SharedSync {
    struct One {
        pthread_mutex_t mutex;
        std::atomic<std::uint64_t> wanted, done, failed;  // up to failed: those waited for a sync that failed, or had better believe so
    };
    std::array<One, all_states.size()> states;
};

Directory::Directory(std::string root) : root_(std::move(root))
{
    for (auto state : all_states) {
        auto path = cat(root_, "/", name_of(state));
        auto& fd = fds_[static_cast<std::size_t>(state)];
        fd.reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!fd)
            throw_errno(cat("open ", path));
    }
    void* memory = ::mmap(nullptr, sizeof(SharedSync), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw_errno("mmap");
    shared_ = new (memory) SharedSync{};
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);  // its holder may be killed
    for (auto& one : shared_->states)
        pthread_mutex_init(&one.mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

Directory::~Directory() { ::munmap(shared_, sizeof(SharedSync)); }

std::vector<std::string> Directory::subdirectories()
{
    std::vector<std::string> result(names.begin(), names.end());
    for (char digit : hash_digits)
        result.push_back(cat("deferred/", digit));
    return result;
}

Result<void> Directory::create(const std::string& root)
{
    for (const auto& name : subdirectories())
        if (auto made = make_directories(cat(root, "/", name), 0700); !made)
            return made;
    return {};
}

std::string Directory::name_in(State state, std::string_view id) const
{
    return state == State::deferred ? cat(hash_of(id), "/", id) : std::string(id);
}

std::string Directory::path_of(State state, const std::string& id)
{
    return state == State::deferred ? cat(name_of(state), "/", hash_of(id), "/", id) : cat(name_of(state), "/", id);
}

// The first failed fsync is told to everybody who waited for it; a later one starts clean, for mails that came later.
Result<void> Directory::sync(State state)
{
    auto& one = shared_->states[static_cast<std::size_t>(state)];
    auto mine = ++one.wanted;
    if (pthread_mutex_lock(&one.mutex) == EOWNERDEAD)
        pthread_mutex_consistent(&one.mutex);
    Result<void> result;
    if (one.done < mine) {
        auto covered = one.wanted.load();
        result = mta::sync(fd(state), name_of(state));
        if (!result)
            one.failed = covered;
        one.done = covered;
    } else if (mine <= one.failed) {
        result = failure(cat("fsync ", name_of(state), " failed"));
    }
    pthread_mutex_unlock(&one.mutex);
    return result;
}

Result<Fd> Directory::open(State state, const std::string& id) const
{
    Fd file(::openat(fd(state), name_in(state, id).c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    if (!file)
        return errno_error(cat("open ", name_of(state), "/", id));
    return file;
}

Result<void> Directory::move(const std::string& id, State from, State to)
{
    auto source = name_in(from, id), target = name_in(to, id);
    if (::renameat2(fd(from), source.c_str(), fd(to), target.c_str(), RENAME_NOREPLACE) != 0)
        return errno_error(cat("rename ", id, " from ", name_of(from), " to ", name_of(to)));
    return {};
}

Result<void> Directory::remove(const std::string& id, State from)
{
    if (::unlinkat(fd(from), name_in(from, id).c_str(), 0) != 0)
        return errno_error(cat("remove ", name_of(from), "/", id));
    return {};
}

Result<std::optional<State>> Directory::find(const std::string& id) const
{
    Result<std::optional<State>> answer(std::nullopt);
    struct stat status {};
    for (auto state : all_states) {
        if (::fstatat(fd(state), name_in(state, id).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
            return std::optional(state);
        if (errno != ENOENT)
            answer = errno_error(cat("look for ", name_of(state), "/", id));
    }
    return answer;
}

namespace {

using DirStream = std::unique_ptr<DIR, Release<::closedir>>;

template <class Each>
Result<void> for_each_name(int parent, const char* name, Each&& each)
{
    int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DirStream stream(fd < 0 ? nullptr : ::fdopendir(fd));
    if (!stream)
        return errno_error(cat("open queue directory ", name));
    while (const auto* entry = ::readdir(stream.get()))
        each(std::string(entry->d_name));
    return {};
}

}  // namespace

Result<std::vector<std::string>> Directory::list(State state) const
{
    std::vector<std::string> ids;
    auto take = [&](std::string name) {
        if (is_id(name))
            ids.push_back(std::move(name));
    };
    Result<void> done;
    if (state != State::deferred) {
        done = for_each_name(fd(state), ".", take);
    } else {
        for (char digit : hash_digits)
            if (done)
                done = for_each_name(fd(state), std::string(1, digit).c_str(), take);
    }
    if (!done)
        return done.error();
    std::sort(ids.begin(), ids.end());
    return ids;
}

void Directory::settle_leftovers(long age_seconds)
{
    std::vector<std::string> prepared;
    for (auto state : {State::incoming, State::hold}) {
        (void)for_each_name(fd(state), ".", [&](const std::string& name) {
            struct stat status {};
            bool is_temporary = name.size() > 1 && name[0] == '.' && is_id(std::string_view(name).substr(1));
            if (is_temporary && ::fstatat(fd(state), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                status.st_mtime < std::time(nullptr) - age_seconds)
                ::unlinkat(fd(state), name.c_str(), 0);
            if (state == State::incoming && is_prepared(name))
                prepared.push_back(name);
        }).operator bool();
    }
    for (const auto& name : prepared)
        settle_prepared(name);
}

Result<void> Directory::set_due(const std::string& id, State state, std::int64_t seconds)
{
    timespec times[2] = {{seconds, 0}, {seconds, 0}};
    if (::utimensat(fd(state), name_in(state, id).c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
        return errno_error(cat("set time of ", id));
    return {};
}

std::int64_t Directory::due(const std::string& id, State state) const
{
    struct stat status {};
    return ::fstatat(fd(state), name_in(state, id).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_mtime : 0;
}

std::uint64_t Directory::free_bytes() const
{
    struct statvfs status {};
    if (::fstatvfs(fd(State::incoming), &status) != 0)
        return 0;
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace mta::queue
