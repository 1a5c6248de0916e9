#include "sandbox/root.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"

namespace mta::sandbox {

namespace {

// Any directory that every host has: the new root is built on it, in a mount namespace of our own.
constexpr const char* building_site = "/proc";
constexpr unsigned see_mode = 0755;

Error trouble(std::string_view what) { return errno_error(cat("sandbox: ", what)); }

struct Tree {
    const Path* path;
    Fd mount;
    bool is_directory = false;
};

// The part of the host's files, before its root is out of reach.
Result<Tree> take(const Path& path)
{
    Tree tree{&path, Fd(), true};
    if (path.use == Path::Use::hide)
        return tree;
    tree.mount.reset(::open_tree(AT_FDCWD, path.name.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    struct stat status {};
    if (!tree.mount || ::fstat(tree.mount.get(), &status) != 0)
        return errno == ENOENT || errno == ENOTDIR ? Result<Tree>(std::move(tree)) : trouble(path.name);
    tree.is_directory = S_ISDIR(status.st_mode);
    mount_attr wanted{};
    wanted.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | (path.use == Path::Use::read ? MOUNT_ATTR_RDONLY : 0u);
    if (::mount_setattr(tree.mount.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted, sizeof wanted) != 0)
        return trouble(path.name);
    return tree;
}

// A place for the tree below the new root; what is there as a part of another tree stays as it is.
Result<void> make_place(const std::string& place, bool is_directory)
{
    if (exists(place))
        return {};
    auto above = is_directory ? place : place.substr(0, place.rfind('/'));
    if (auto made = make_directories(above, see_mode); !made || is_directory)
        return made;
    if (!Fd(::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)))
        return trouble(place);
    return {};
}

Result<void> put(const Tree& tree, const std::string& root)
{
    bool is_hidden = tree.path->use == Path::Use::hide;
    if (!is_hidden && !tree.mount)
        return {};
    auto place = cat(root, tree.path->name);
    if (is_hidden && !exists(place))
        return {};
    if (auto made = make_place(place, tree.is_directory); !made)
        return made;
    int done = is_hidden ? ::mount("none", place.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=64k")
                         : ::move_mount(tree.mount.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH);
    return done == 0 ? Result<void>() : trouble(tree.path->name);
}

Result<void> build_root(const Rules& rules)
{
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
        return trouble("mount /");
    auto paths = rules.paths;
    // What contains others comes first; of a directory given twice, the wider use comes on top.
    std::sort(paths.begin(), paths.end(), [](const Path& a, const Path& b) { return std::tie(a.name, a.use) < std::tie(b.name, b.use); });
    std::vector<Tree> trees;
    for (const auto& path : paths) {
        auto tree = take(path);
        if (!tree)
            return tree.error();
        trees.push_back(std::move(*tree));
    }
    if (::mount("none", building_site, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=64k") != 0)
        return trouble("mount a new root");
    for (const auto& tree : trees)
        if (auto done = put(tree, building_site); !done)
            return done;
    if (::mount(nullptr, building_site, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
        return trouble("make the new root read-only");
    if (::chdir(building_site) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0)
        return trouble("pivot_root");
    return {};
}

}  // namespace

Result<void> leave_host(const Rules& rules)
{
    int spaces = CLONE_NEWIPC | CLONE_NEWUTS | (rules.has_network ? 0 : CLONE_NEWNET) | (rules.has_root ? 0 : CLONE_NEWNS);
    if (::unshare(spaces) != 0)
        return trouble("unshare");
    if (rules.has_root)
        return {};
    auto mask = ::umask(0);  // whoever it becomes must be able to enter the directories
    auto built = build_root(rules);
    ::umask(mask);
    return built;
}

}  // namespace mta::sandbox
