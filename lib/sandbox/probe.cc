#include "sandbox/probe.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace mta::sandbox {

namespace {

bool can_open(const std::string& path) { return static_cast<bool>(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))); }

sockaddr_in loopback(unsigned short port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

template <class Address>
bool can_connect(int fd, const Address& address, socklen_t size = sizeof(Address))
{
    return fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0;
}

bool can_connect_unix(std::string_view name)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), std::min(name.size(), sizeof address.sun_path - 1));
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return can_connect(fd.get(), address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
}

bool can_run_from_memory()
{
    Fd fd(::memfd_create("selftest", MFD_CLOEXEC));
    const char script[] = "#!/bin/true\n";
    char* const words[] = {const_cast<char*>("true"), nullptr};
    char* const environment[] = {nullptr};
    return fd && ::write(fd.get(), script, sizeof script - 1) > 0 && ::fexecve(fd.get(), words, environment) == 0;
}

bool can_fork()
{
    pid_t child = ::fork();
    if (child == 0)
        ::_exit(0);
    return child > 0;
}

// A directory from outside of the root would be the way out of it.
bool has_directory_descriptor()
{
    constexpr int many = 1024;
    struct stat status {};
    for (int fd = 0; fd < many; ++fd)
        if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))
            return true;
    return false;
}

bool can_create(const Targets& targets)
{
    return static_cast<bool>(Fd(::open(cat(targets.directory, "/new").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)));
}

bool can_send_datagram()
{
    auto address = loopback(9);
    Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return fd && ::sendto(fd.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 1;
}

bool can_listen()
{
    auto address = loopback(0);
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(fd.get(), 1) == 0;
}

// A client's connection, dissolved and led elsewhere.
bool can_redirect(const Targets& targets)
{
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    return ::connect(targets.connection, &none, sizeof none) == 0 && can_connect(targets.connection, loopback(targets.port));
}

// What a mount would change must not be changed here; it is refused for another reason to those who may mount.
bool can_mount(const Targets& targets)
{
    return ::mount(nullptr, targets.directory.c_str(), nullptr, MS_REMOUNT, nullptr) == 0 || errno == EINVAL;
}

bool can_use_io_uring()
{
    io_uring_params parameters{};
    return ::syscall(SYS_io_uring_setup, 1, &parameters) >= 0;
}

bool can_use_bpf()
{
    bpf_attr attributes{};
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = attributes.value_size = attributes.max_entries = 4;
    return ::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) >= 0;
}

using T = const Targets&;
constexpr Probe all_probes[] = {
    {"nothing", [](T) { return true; }},
    {"read-file", [](T t) { return can_open(t.file); }},
    {"read-users", [](T) { return can_open("/etc/passwd"); }},
    {"read-passwords", [](T) { return can_open("/etc/shadow"); }},
    {"read-configuration", [](T t) { return can_open(t.config_file); }},
    {"read-queue", [](T t) { return can_open(cat(t.queue_directory, "/active")); }},
    {"read-process", [](T) { return can_open("/proc/self/environ"); }},
    {"create-file", can_create},
    {"unlink-file", [](T t) { return ::unlink(t.file.c_str()) == 0; }},
    {"stat-file", [](T t) { struct stat status {}; return ::stat(t.file.c_str(), &status) == 0; }},
    {"chmod-file", [](T t) { return ::chmod(t.directory.c_str(), 0777) == 0; }},
    {"directory-descriptor", [](T) { return has_directory_descriptor(); }},
    {"unix-connect", [](T t) { return can_connect_unix(t.socket); }},
    {"abstract-connect", [](T t) { return can_connect_unix(t.abstract_socket); }},
    {"tcp-connect", [](T t) { return can_connect(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)).get(), loopback(t.port)); }},
    {"tcp-redirect", can_redirect},
    {"tcp-listen", [](T) { return can_listen(); }},
    {"udp-send", [](T) { return can_send_datagram(); }},
    {"raw-socket", [](T) { return static_cast<bool>(Fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP))); }},
    {"netlink-socket", [](T) { return static_cast<bool>(Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0))); }},
    {"fork", [](T) { return can_fork(); }},
    {"execute", [](T) { return ::execl("/bin/true", "true", nullptr) == 0; }},
    {"execute-memory", [](T) { return can_run_from_memory(); }},
    {"signal-others", [](T t) { return ::kill(t.process, 0) == 0; }},
    {"ptrace-others", [](T t) { return ::ptrace(PTRACE_SEIZE, t.process, nullptr, nullptr) == 0; }},
    {"mount", can_mount},
    {"unshare", [](T) { return ::unshare(CLONE_NEWUSER) == 0; }},
    {"become-root", [](T) { return ::setuid(0) == 0 && ::geteuid() == 0; }},
    {"io-uring", [](T) { return can_use_io_uring(); }},
    {"bpf", [](T) { return can_use_bpf(); }},
};

}  // namespace

std::span<const Probe> probes() { return all_probes; }

}  // namespace mta::sandbox
