#include "sandbox/calls.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <iterator>

namespace mta::sandbox {

namespace {

using Value = Condition::Value;

constexpr std::uint32_t fast_open = MSG_FASTOPEN, executable = PROT_EXEC, kind_of_socket = 0xf;
// openat(2) that changes nothing.
constexpr std::uint32_t changing = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
constexpr std::uint32_t new_namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint32_t low_commands = ~7u, low_lock_commands = ~3u;

constexpr Call base[] = {
    // Memory, but none that is executable.
    {SYS_brk}, {SYS_munmap}, {SYS_mremap}, {SYS_madvise}, {SYS_mmap, {{2, executable, 0}}}, {SYS_mprotect, {{2, executable, 0}}},
    // Time and waiting.
    {SYS_clock_gettime}, {SYS_clock_getres}, {SYS_gettimeofday}, {SYS_nanosleep}, {SYS_clock_nanosleep}, {SYS_setitimer},
    {SYS_ppoll}, {SYS_pselect6}, {SYS_epoll_create1}, {SYS_epoll_ctl}, {SYS_epoll_pwait}, {SYS_epoll_pwait2}, {SYS_eventfd2}, {SYS_timerfd_create}, {SYS_timerfd_settime},
    {SYS_futex}, {SYS_sched_yield}, {SYS_restart_syscall},
    // Itself.
    {SYS_getpid}, {SYS_gettid}, {SYS_getppid}, {SYS_getuid}, {SYS_geteuid}, {SYS_getgid}, {SYS_getegid}, {SYS_getresuid},
    {SYS_getresgid}, {SYS_getgroups}, {SYS_getrusage}, {SYS_times}, {SYS_getrandom}, {SYS_umask}, {SYS_uname}, {SYS_sysinfo}, {SYS_getcwd},
    {SYS_sched_getaffinity}, {SYS_prlimit64, {{2, ~0u, 0}, {2, ~0u, 0, true}}},
    {SYS_prctl, {{0, ~0u, PR_GET_DUMPABLE}}}, {SYS_prctl, {{0, ~0u, PR_GET_NO_NEW_PRIVS}}}, {SYS_prctl, {{0, ~0u, PR_GET_SECCOMP}}},
    {SYS_rt_sigaction}, {SYS_rt_sigprocmask}, {SYS_rt_sigpending}, {SYS_rt_sigreturn}, {SYS_rt_sigsuspend}, {SYS_sigaltstack},
    {SYS_exit}, {SYS_exit_group}, {SYS_kill, {{0, ~0u, 0, false, Value::own_pid}}}, {SYS_tgkill, {{0, ~0u, 0, false, Value::own_pid}}},
    // Descriptors that are there.
    {SYS_read}, {SYS_write}, {SYS_readv}, {SYS_writev}, {SYS_pread64}, {SYS_preadv}, {SYS_close}, {SYS_lseek}, {SYS_fstat}, {SYS_fstatfs},
    {SYS_newfstatat, {{3, AT_EMPTY_PATH, AT_EMPTY_PATH}}}, {SYS_dup}, {SYS_dup3}, {SYS_pipe2}, {SYS_fadvise64},
    {SYS_fcntl, {{1, low_commands, F_DUPFD}}}, {SYS_fcntl, {{1, low_lock_commands, F_OFD_GETLK}}}, {SYS_fcntl, {{1, ~0u, F_DUPFD_CLOEXEC}}},
    {SYS_flock}, {SYS_ioctl, {{1, ~0u, FIONREAD}}}, {SYS_ioctl, {{1, ~0u, FIONBIO}}}, {SYS_ioctl, {{1, ~0u, TCGETS}}},
    // Sockets that are connected: sending names no address, and opens no connection.
    {SYS_recvfrom}, {SYS_recvmsg}, {SYS_recvmmsg}, {SYS_sendto, {{3, fast_open, 0}, {4, ~0u, 0}, {4, ~0u, 0, true}}},
    {SYS_sendmsg, {{2, fast_open, 0}}}, {SYS_sendmmsg, {{3, fast_open, 0}}}, {SYS_shutdown}, {SYS_getsockopt}, {SYS_setsockopt},
    {SYS_getsockname}, {SYS_getpeername}, {SYS_socketpair, {{0, ~0u, AF_UNIX}}},
#ifdef __x86_64__
    {SYS_poll}, {SYS_select}, {SYS_epoll_wait}, {SYS_epoll_create}, {SYS_pipe}, {SYS_dup2}, {SYS_time}, {SYS_alarm}, {SYS_arch_prctl, {{0, ~0u, 0x3001}}},
#endif
};

constexpr Call serve[] = {{SYS_accept4}, {SYS_accept}};

constexpr Call connect[] = {{SYS_socket, {{0, ~0u, AF_UNIX}}}, {SYS_connect}};

constexpr Call internet[] = {
    {SYS_socket, {{0, ~0u, AF_INET}, {1, kind_of_socket, SOCK_STREAM}}},
    {SYS_socket, {{0, ~0u, AF_INET6}, {1, kind_of_socket, SOCK_STREAM}}},
    {SYS_connect},
};

constexpr Call datagram[] = {
    {SYS_socket, {{0, ~0u, AF_INET}, {1, kind_of_socket, SOCK_DGRAM}}},
    {SYS_socket, {{0, ~0u, AF_INET6}, {1, kind_of_socket, SOCK_DGRAM}}},
    {SYS_connect}, {SYS_sendto, {{3, fast_open, 0}}},
};

constexpr Call bind[] = {{SYS_bind}};

constexpr Call read_files[] = {
    {SYS_openat, {{2, changing, 0}}}, {SYS_newfstatat}, {SYS_statx}, {SYS_faccessat}, {SYS_faccessat2}, {SYS_readlinkat},
    {SYS_getdents64}, {SYS_statfs}, {SYS_fchdir}, {SYS_chdir},
    {SYS_prctl, {{0, ~0u, PR_CAPBSET_READ}}},  // systemd's library that finds users
#ifdef __x86_64__
    {SYS_access}, {SYS_stat}, {SYS_lstat}, {SYS_readlink}, {SYS_open, {{1, changing, 0}}},
#endif
};

constexpr Call write_files[] = {
    {SYS_openat}, {SYS_pwrite64}, {SYS_pwritev}, {SYS_ftruncate}, {SYS_fallocate}, {SYS_fsync}, {SYS_fdatasync}, {SYS_sync_file_range},
    {SYS_renameat}, {SYS_renameat2}, {SYS_linkat}, {SYS_unlinkat}, {SYS_mkdirat}, {SYS_utimensat}, {SYS_copy_file_range}, {SYS_sendfile}, {SYS_msync},
#ifdef __x86_64__
    {SYS_rename}, {SYS_link}, {SYS_unlink}, {SYS_mkdir}, {SYS_rmdir}, {SYS_utimes}, {SYS_futimesat},
#endif
};

constexpr Call watch_files[] = {
    {SYS_inotify_init1}, {SYS_inotify_add_watch}, {SYS_inotify_rm_watch},
};

constexpr Call fork_calls[] = {
    {SYS_clone, {{0, new_namespaces | CLONE_VM, 0}}}, {SYS_wait4}, {SYS_waitid}, {SYS_set_robust_list}, {SYS_rseq},
    {SYS_set_tid_address}, {SYS_prctl, {{0, ~0u, PR_SET_PDEATHSIG}}},
};

constexpr Call signal_calls[] = {{SYS_kill}};

constexpr Call threads[] = {
    {SYS_clone, {{0, new_namespaces, 0}}}, {SYS_set_robust_list}, {SYS_rseq}, {SYS_sched_getparam}, {SYS_sched_getscheduler},
};

constexpr Call execute[] = {{SYS_execve}, {SYS_setsid}, {SYS_setpgid}, {SYS_close_range}, {SYS_chdir}};

constexpr Call enter[] = {
    {SYS_setgroups}, {SYS_setresgid}, {SYS_setresuid}, {SYS_setuid}, {SYS_capget}, {SYS_capset}, {SYS_seccomp}, {SYS_landlock_create_ruleset},
    {SYS_landlock_add_rule}, {SYS_landlock_restrict_self}, {SYS_prctl}, {SYS_prlimit64}, {SYS_openat, {{2, changing, 0}}},
};

// Of other processes, and of the kernel.
constexpr Call surface[] = {
    {SYS_ptrace}, {SYS_process_vm_readv}, {SYS_process_vm_writev}, {SYS_process_madvise}, {SYS_pidfd_getfd}, {SYS_kcmp}, {SYS_bpf},
    {SYS_perf_event_open}, {SYS_userfaultfd}, {SYS_io_uring_setup}, {SYS_io_uring_enter}, {SYS_io_uring_register}, {SYS_add_key},
    {SYS_request_key}, {SYS_keyctl}, {SYS_init_module}, {SYS_finit_module}, {SYS_delete_module}, {SYS_kexec_load}, {SYS_reboot},
    {SYS_swapon}, {SYS_swapoff}, {SYS_acct}, {SYS_quotactl}, {SYS_nfsservctl}, {SYS_settimeofday}, {SYS_clock_settime}, {SYS_adjtimex},
    {SYS_clock_adjtime}, {SYS_syslog}, {SYS_vhangup}, {SYS_lookup_dcookie}, {SYS_fanotify_init}, {SYS_open_by_handle_at}, {SYS_mbind},
    {SYS_set_mempolicy}, {SYS_migrate_pages}, {SYS_move_pages}, {SYS_sethostname}, {SYS_setdomainname},
    {SYS_socket, {{0, ~0u, AF_PACKET}}}, {SYS_socket, {{0, ~0u, AF_VSOCK}}}, {SYS_socket, {{0, ~0u, AF_ALG}}}, {SYS_socket, {{0, ~0u, AF_KEY}}},
#ifdef __x86_64__
    {SYS_iopl}, {SYS_ioperm}, {SYS_modify_ldt}, {SYS_kexec_file_load}, {SYS_uselib}, {SYS_ustat},
#endif
};

constexpr Call mounts[] = {
    {SYS_mount}, {SYS_umount2}, {SYS_pivot_root}, {SYS_chroot}, {SYS_unshare}, {SYS_setns}, {SYS_open_tree}, {SYS_move_mount}, {SYS_fsopen},
    {SYS_fsconfig}, {SYS_fsmount}, {SYS_fspick}, {SYS_mount_setattr},
    {SYS_clone, {{0, CLONE_NEWUSER, CLONE_NEWUSER}}}, {SYS_clone, {{0, CLONE_NEWNS, CLONE_NEWNS}}},
};

template <std::size_t size>
void append(std::vector<Call>& calls, const Call (&group)[size])
{
    calls.insert(calls.end(), std::begin(group), std::end(group));
}

void append(std::vector<Call>& calls, Calls group)
{
    switch (group) {
    case Calls::base: return append(calls, base);
    case Calls::serve: return append(calls, serve);
    case Calls::connect: return append(calls, connect);
    case Calls::internet: return append(calls, internet);
    case Calls::datagram: return append(calls, datagram);
    case Calls::bind: return append(calls, bind);
    case Calls::read_files: return append(calls, read_files);
    case Calls::write_files: return append(calls, write_files);
    case Calls::watch_files: return append(calls, watch_files);
    case Calls::fork: return append(calls, fork_calls);
    case Calls::signal: return append(calls, signal_calls);
    case Calls::threads: return append(calls, threads);
    case Calls::execute: return append(calls, execute);
    case Calls::enter: return append(calls, enter);
    }
}

}  // namespace

std::vector<Call> calls_in(const std::vector<Calls>& groups)
{
    std::vector<Call> calls;
    append(calls, Calls::base);
    for (auto group : groups)
        append(calls, group);
    return calls;
}

std::vector<Call> never_needed_by_anyone()
{
    std::vector<Call> calls;
    append(calls, surface);
    return calls;
}

std::vector<Call> never_needed()
{
    auto calls = never_needed_by_anyone();
    append(calls, mounts);
    return calls;
}

}  // namespace mta::sandbox
