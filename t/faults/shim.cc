// Preloaded into the programs of an instance by t/faults/run: makes the Nth call of one kind in one program fail, or be short. A page
// of memory that all processes share tells what, and counts what was called, so that nothing has to be started again for the next fault.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// In the order of CALLS in t/faults/shim.py.
enum Call : std::uint32_t {
    call_open, call_read, call_write, call_writev, call_fsync, call_fdatasync, call_rename, call_link, call_unlink, call_close, call_socket, call_accept,
    call_connect, call_sendmsg, call_recvmsg, call_fork, call_mmap, call_new, call_epoll, call_mkdir, call_truncate, call_stat, calls
};

constexpr std::size_t most_programs = 48, name_bytes = 24;
constexpr std::int32_t is_short = -1;

struct Control {
    char names[most_programs][name_bytes];  // of the programs, written by t/faults/run
    std::atomic<std::uint32_t> program;     // the one that is to fail, by its place in names, plus one; 0: none
    std::atomic<std::uint32_t> call;
    std::atomic<std::int32_t> error;        // errno, or is_short
    std::atomic<std::int32_t> before;       // calls that work before the first that fails
    std::atomic<std::int32_t> failures;     // calls that are left to fail
    std::atomic<std::uint32_t> hits;
    std::atomic<std::uint32_t> counts[most_programs][calls];
};

Control* control = nullptr;
std::uint32_t self = 0;  // the place of this program in names, plus one

__attribute__((constructor)) void attach()
{
    const char* path = std::getenv("BUUTA_FAULTS");
    int fd = path ? ::open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED)
        return;
    auto* found = static_cast<Control*>(memory);
    for (std::uint32_t i = 0; i < most_programs; ++i)
        if (std::strncmp(found->names[i], program_invocation_short_name, name_bytes) == 0)
            self = i + 1;
    control = self ? found : nullptr;
}

// What is to become of this call: 0: it works; an errno; is_short.
std::int32_t fate(Call call)
{
    if (!control)
        return 0;
    ++control->counts[self - 1][call];
    if (control->program != self || control->call != call || control->before.fetch_sub(1) > 0 || control->failures.fetch_sub(1) <= 0)
        return 0;
    ++control->hits;
    return control->error;
}

template <class Function>
Function next(const char* name)
{
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

// A pipe has no device below it.
bool is_impossible(Call call, int fd)
{
    struct stat status {};
    return control && control->program == self && call == call_read && control->error == EIO &&
           next<int (*)(int, struct stat*)>("fstat")(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

// Whether bytes may be moved; short is half of them, but one at least.
bool may_move(Call call, int fd, std::size_t& size)
{
    auto error = is_impossible(call, fd) ? 0 : fate(call);
    if (error == is_short && size > 1)
        size /= 2;
    if (error > 0)
        errno = error;
    return error <= 0;
}

bool fails(Call call)
{
    auto error = fate(call);
    if (error > 0)
        errno = error;
    return error > 0;
}

}  // namespace

// A call that fails or works.
#define PLAIN(kind, result, name, parameters, arguments)                                  \
    extern "C" result name parameters                                                     \
    {                                                                                     \
        return fails(kind) ? static_cast<result>(-1) : next<result(*) parameters>(#name) arguments; \
    }

// One that moves `size` bytes.
#define MOVING(kind, name, parameters, arguments)                                         \
    extern "C" ssize_t name parameters                                                    \
    {                                                                                     \
        return may_move(kind, fd, size) ? next<ssize_t(*) parameters>(#name) arguments : -1;  \
    }

MOVING(call_read, read, (int fd, void* to, std::size_t size), (fd, to, size))
MOVING(call_read, __read_chk, (int fd, void* to, std::size_t size, std::size_t room), (fd, to, size, room))
MOVING(call_read, pread, (int fd, void* to, std::size_t size, off_t at), (fd, to, size, at))
MOVING(call_read, pread64, (int fd, void* to, std::size_t size, off_t at), (fd, to, size, at))
MOVING(call_read, __pread_chk, (int fd, void* to, std::size_t size, off_t at, std::size_t room), (fd, to, size, at, room))
MOVING(call_read, __pread64_chk, (int fd, void* to, std::size_t size, off_t at, std::size_t room), (fd, to, size, at, room))
MOVING(call_recvmsg, recv, (int fd, void* to, std::size_t size, int flags), (fd, to, size, flags))
MOVING(call_recvmsg, __recv_chk, (int fd, void* to, std::size_t size, std::size_t room, int flags), (fd, to, size, room, flags))
MOVING(call_recvmsg, recvfrom, (int fd, void* to, std::size_t size, int flags, sockaddr* from, socklen_t* length), (fd, to, size, flags, from, length))
MOVING(call_write, write, (int fd, const void* from, std::size_t size), (fd, from, size))
MOVING(call_writev, pwrite, (int fd, const void* from, std::size_t size, off_t at), (fd, from, size, at))
MOVING(call_writev, pwrite64, (int fd, const void* from, std::size_t size, off_t at), (fd, from, size, at))
MOVING(call_sendmsg, send, (int fd, const void* from, std::size_t size, int flags), (fd, from, size, flags))
MOVING(call_sendmsg, sendto, (int fd, const void* from, std::size_t size, int flags, const sockaddr* to, socklen_t length), (fd, from, size, flags, to, length))

PLAIN(call_writev, ssize_t, writev, (int fd, const iovec* parts, int count), (fd, parts, count))
PLAIN(call_sendmsg, ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags))
PLAIN(call_recvmsg, ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags))
PLAIN(call_fsync, int, fsync, (int fd), (fd))
PLAIN(call_fdatasync, int, fdatasync, (int fd), (fd))
PLAIN(call_rename, int, rename, (const char* from, const char* to), (from, to))
PLAIN(call_rename, int, renameat, (int a, const char* from, int b, const char* to), (a, from, b, to))
PLAIN(call_rename, int, renameat2, (int a, const char* from, int b, const char* to, unsigned flags), (a, from, b, to, flags))
PLAIN(call_link, int, link, (const char* from, const char* to), (from, to))
PLAIN(call_link, int, linkat, (int a, const char* from, int b, const char* to, int flags), (a, from, b, to, flags))
PLAIN(call_unlink, int, unlink, (const char* path), (path))
PLAIN(call_unlink, int, unlinkat, (int fd, const char* path, int flags), (fd, path, flags))
PLAIN(call_socket, int, socket, (int domain, int type, int protocol), (domain, type, protocol))
PLAIN(call_socket, int, socketpair, (int domain, int type, int protocol, int* both), (domain, type, protocol, both))
PLAIN(call_socket, int, pipe2, (int* both, int flags), (both, flags))
PLAIN(call_accept, int, accept, (int fd, sockaddr* peer, socklen_t* length), (fd, peer, length))
PLAIN(call_accept, int, accept4, (int fd, sockaddr* peer, socklen_t* length, int flags), (fd, peer, length, flags))
PLAIN(call_connect, int, connect, (int fd, const sockaddr* peer, socklen_t length), (fd, peer, length))
PLAIN(call_fork, pid_t, fork, (), ())
PLAIN(call_epoll, int, epoll_create1, (int flags), (flags))
PLAIN(call_epoll, int, epoll_ctl, (int epoll, int what, int fd, epoll_event* event), (epoll, what, fd, event))
PLAIN(call_mkdir, int, mkdir, (const char* path, mode_t mode), (path, mode))
PLAIN(call_truncate, int, ftruncate, (int fd, off_t size), (fd, size))
PLAIN(call_truncate, int, ftruncate64, (int fd, off_t size), (fd, size))
PLAIN(call_stat, int, stat, (const char* path, struct stat* status), (path, status))
PLAIN(call_stat, int, fstat, (int fd, struct stat* status), (fd, status))
PLAIN(call_stat, int, lstat, (const char* path, struct stat* status), (path, status))
PLAIN(call_stat, int, fstatat, (int fd, const char* path, struct stat* status, int flags), (fd, path, status, flags))

// Also when it fails the descriptor is gone.
extern "C" int close(int fd)
{
    static const auto real = next<int (*)(int)>("close");
    auto error = fate(call_close);
    auto result = real(fd);
    if (error <= 0)
        return result;
    errno = error;
    return -1;
}

#define OPENING(name)                                                        \
    extern "C" int name(const char* path, int flags, ...)                    \
    {                                                                        \
        va_list rest;                                                        \
        va_start(rest, flags);                                               \
        auto mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                        \
        return fails(call_open) ? -1 : next<int (*)(const char*, int, ...)>(#name)(path, flags, mode); \
    }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name)                                                     \
    extern "C" int name(int fd, const char* path, int flags, ...)            \
    {                                                                        \
        va_list rest;                                                        \
        va_start(rest, flags);                                               \
        auto mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                        \
        return fails(call_open) ? -1 : next<int (*)(int, const char*, int, ...)>(#name)(fd, path, flags, mode); \
    }
OPENING_AT(openat)
OPENING_AT(openat64)

PLAIN(call_open, int, __open_2, (const char* path, int flags), (path, flags))
PLAIN(call_open, int, __open64_2, (const char* path, int flags), (path, flags))
PLAIN(call_open, int, __openat_2, (int fd, const char* path, int flags), (fd, path, flags))

extern "C" DIR* opendir(const char* path) { return fails(call_open) ? nullptr : next<DIR* (*)(const char*)>("opendir")(path); }

extern "C" void* mmap(void* where, std::size_t size, int protection, int flags, int fd, off_t at) noexcept
{
    return fails(call_mmap) ? MAP_FAILED : next<void* (*)(void*, std::size_t, int, int, int, off_t)>("mmap")(where, size, protection, flags, fd, at);
}

// Memory for objects; what C libraries take is left alone.
void* operator new(std::size_t size)
{
    void* memory = fate(call_new) != 0 ? nullptr : std::malloc(size);
    if (!memory)
        throw std::bad_alloc();
    return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
