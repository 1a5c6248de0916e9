#include "sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"
#include "base/text.h"

namespace mta::sandbox {

namespace {

// The kernel's interface as it is now; the header of Debian 12 ends with version 2.
struct Ruleset {
    std::uint64_t files = 0, net = 0, scoped = 0;
};
struct PortRule {
    std::uint64_t access = 0, port = 0;
};
constexpr int rule_net_port = 2;
constexpr std::uint64_t bind_tcp = 1u << 0, connect_tcp = 1u << 1;
constexpr std::uint64_t scope_abstract_sockets = 1u << 0, scope_signals = 1u << 1;
constexpr std::uint64_t truncate = 1u << 14, ioctl_of_devices = 1u << 15;

// Version 1 forbids to move a file to another directory whatever the rules say, which a queue cannot do without.
constexpr int first_usable = 2, has_truncate = 3, has_net = 4, has_ioctl = 5, has_scopes = 6;
constexpr std::uint64_t all_in_first = (LANDLOCK_ACCESS_FS_REFER << 1) - 1;

constexpr std::uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t writing = reading | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | truncate;
constexpr std::uint64_t of_one_file = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | truncate;

bool has(const Rules& rules, Calls group) { return std::find(rules.calls.begin(), rules.calls.end(), group) != rules.calls.end(); }

Ruleset handled_by(int version, const Rules& rules)
{
    Ruleset all;
    if (!rules.has_any_file)
        all.files = all_in_first | (version >= has_truncate ? truncate : 0) | (version >= has_ioctl ? ioctl_of_devices : 0);
    if (version >= has_net)
        all.net = (rules.ports ? connect_tcp : 0) | (has(rules, Calls::bind) ? 0 : bind_tcp);
    if (version >= has_scopes)
        all.scoped = scope_abstract_sockets | scope_signals;
    return all;
}

// An older kernel must not get fields that it does not know.
std::size_t known_size(int version)
{
    return version >= has_scopes ? sizeof(Ruleset) : version >= has_net ? offsetof(Ruleset, scoped) : offsetof(Ruleset, net);
}

Result<void> add_path(int ruleset, const Path& path, std::uint64_t handled)
{
    if (path.use == Path::Use::see || path.use == Path::Use::hide)
        return {};
    Fd fd(::open(path.name.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return errno == ENOENT || errno == EACCES ? Result<void>() : errno_error(path.name);
    landlock_path_beneath_attr rule{};
    rule.allowed_access = (path.use == Path::Use::read ? reading : writing) & handled;
    if (!S_ISDIR(status.st_mode))
        rule.allowed_access &= of_one_file;
    rule.parent_fd = fd.get();
    if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return errno_error(cat("landlock: ", path.name));
    return {};
}

Result<void> add_rules(int ruleset, const Rules& rules, const Ruleset& handled)
{
    if (handled.files != 0)
        for (const auto& path : rules.paths)
            if (auto added = add_path(ruleset, path, handled.files); !added)
                return added;
    if ((handled.net & connect_tcp) == 0)
        return {};
    for (auto port : *rules.ports) {
        PortRule rule{connect_tcp, port};
        if (::syscall(SYS_landlock_add_rule, ruleset, rule_net_port, &rule, 0) != 0)
            return errno_error(cat("landlock: port ", port));
    }
    return {};
}

}  // namespace

int landlock_version()
{
    auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < first_usable ? 0 : static_cast<int>(version);
}

Result<void> restrict_with_landlock(const Rules& rules)
{
    auto version = landlock_version();
    auto handled = handled_by(version, rules);
    if (version == 0 || (handled.files | handled.net | handled.scoped) == 0)
        return {};
    Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, known_size(version), 0)));
    if (!ruleset)
        return errno_error("landlock");
    if (auto added = add_rules(ruleset.get(), rules, handled); !added)
        return added;
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
        return errno_error("landlock");
    return {};
}

}  // namespace mta::sandbox
