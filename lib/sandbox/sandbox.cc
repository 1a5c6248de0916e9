#include "sandbox/sandbox.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "base/fd.h"
#include "base/text.h"
#include "sandbox/landlock.h"
#include "sandbox/root.h"

namespace mta::sandbox {

namespace {

bool contains(const std::vector<int>& list, int item) { return std::find(list.begin(), list.end(), item) != list.end(); }

// Effective and permitted, of those that a container has left us; nothing is inherited by programs.
Result<void> set_capabilities(const std::vector<int>& kept)
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{}, wanted{};
    if (::syscall(SYS_capget, &header, sets.data()) != 0)
        return errno_error("capget");
    for (int capability : kept)
        wanted[static_cast<std::size_t>(CAP_TO_INDEX(capability))].permitted |= CAP_TO_MASK(capability);
    for (std::size_t i = 0; i < sets.size(); ++i) {
        sets[i].permitted &= wanted[i].permitted;
        sets[i].effective = sets[i].permitted;
        sets[i].inheritable = 0;
    }
    if (::syscall(SYS_capset, &header, sets.data()) != 0)
        return errno_error("capset");
    return {};
}

void limit(int resource, rlim_t most)
{
    rlimit now{};
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &now) != 0)
        return;
    now.rlim_cur = std::min(now.rlim_cur, most);
    now.rlim_max = std::min(now.rlim_max, most);
    ::setrlimit(static_cast<__rlimit_resource>(resource), &now);  // less than before is always allowed
}

}  // namespace

bool can_leave_host()
{
    pid_t child = ::fork();
    if (child == 0)
        ::_exit(leave_host({}) ? 0 : 1);
    int status = 1;
    return child < 0 || (::waitpid(child, &status, 0) == child && status == 0);
}

Result<void> limit_capabilities(const std::vector<int>& kept)
{
    if (::geteuid() != 0)
        return {};
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // not in all kernels
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
        if (!contains(kept, capability) && ::prctl(PR_CAPBSET_DROP, capability) != 0 && ::prctl(PR_CAPBSET_READ, capability) == 1)
            return errno_error("bounding set");
    return kept.empty() ? Result<void>() : set_capabilities(kept);
}

const std::vector<int>& capabilities_of_parents()
{
    static const std::vector<int> kept{CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH};
    return kept;
}

const std::vector<int>& capabilities_of_master()
{
    static const std::vector<int> kept{CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_CHOWN,
                                       CAP_FOWNER, CAP_FSETID, CAP_NET_BIND_SERVICE, CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_SYS_RESOURCE};
    return kept;
}

Result<void> give_up_privileges()
{
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errno_error("no_new_privs");
    limit(RLIMIT_CORE, 0);
    if (!is_sanitized && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return errno_error("dumpable");
    // Without TZ the C library looks at the file each time, and does not find it any more.
    ::setenv("TZ", ":/etc/localtime", 0);
    ::tzset();
    return {};
}

Filter filter_of(const Rules& rules)
{
    if (is_sanitized)
        return {};
    return rules.runs_programs ? Filter::make(Filter::Kind::forbid, never_needed()) : Filter::make(Filter::Kind::allow, calls_in(rules.calls));
}

Result<void> enter(const Rules& rules, const Filter& filter)
{
    if (is_sanitized || rules.runs_programs)
        return filter.load();
    limit(RLIMIT_DATA, rules.max_data_bytes);
    bool forks = std::any_of(rules.calls.begin(), rules.calls.end(), [](Calls group) { return group == Calls::fork || group == Calls::threads; });
    if (!forks)
        limit(RLIMIT_NPROC, 0);
    if (auto done = restrict_with_landlock(rules); !done)
        return done;
    return filter.load();
}

std::string_view explain_signal(int signal)
{
    return signal != SIGSYS ? ""
                            : ": its sandbox forbids what it did. If nobody has attacked it, please report this with the line of the "
                              "kernel's log; until it is corrected, \"sandbox = no\" in main.cf does without the sandbox";
}

std::vector<std::string> missing_facilities()
{
    std::vector<std::string> missing;
    if (landlock_version() == 0)
        missing.emplace_back("the kernel has no Landlock: daemons without a root directory of their own can read what their users may read");
    if (::prctl(PR_GET_SECCOMP) < 0)
        missing.emplace_back("the kernel has no system call filters");
    if (::geteuid() == 0 && !is_sanitized && !can_leave_host())
        missing.emplace_back("no namespaces, perhaps because this is a container: the daemons see its files and its network");
    return missing;
}

}  // namespace mta::sandbox
