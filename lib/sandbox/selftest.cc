#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "sandbox/probe.h"

namespace mta::sandbox {

namespace {

constexpr int worked = 0, refused = 42;
constexpr unsigned for_all = 0777, file_for_all = 0666;
constexpr int name_width = 22;

Fd listen_at(std::string_view name)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), std::min(name.size(), sizeof address.sun_path - 1));
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd.get(), SOMAXCONN) != 0)
        throw_errno("selftest: listen");
    return fd;
}

}  // namespace

Selftest::Selftest(std::string queue_directory, std::string config_directory, const std::string& owner) : owner_(owner), parent_(::getpid())
{
    targets_.queue_directory = std::move(queue_directory);
    targets_.config_file = std::move(config_directory) + "/main.cf";
    make_targets();
}

Selftest::~Selftest()
{
    std::error_code ignored;
    if (::getpid() == parent_)
        std::filesystem::remove_all(targets_.directory, ignored);
}

void Selftest::make_targets()
{
    char name[] = "/tmp/buuta-selftest.XXXXXX";
    if (::mkdtemp(name) == nullptr)
        throw_errno("selftest: mkdtemp");
    targets_.directory = name;
    targets_.file = targets_.directory + "/file";
    targets_.socket = targets_.directory + "/socket";
    targets_.abstract_socket = cat(std::string(1, '\0'), "buuta-selftest.", parent_);
    targets_.process = parent_;
    unix_listener_ = listen_at(targets_.socket);
    abstract_listener_ = listen_at(targets_.abstract_socket);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), SOMAXCONN) != 0 || ::getsockname(listener_.get(), generic, &size) != 0)
        throw_errno("selftest: listen");
    targets_.port = ntohs(address.sin_port);
    ::mkdir(maildir().c_str(), 0700);
    const passwd* entry = ::getpwnam(owner_.c_str());
    bool is_given = ::geteuid() != 0 || (entry != nullptr && ::chown(maildir().c_str(), entry->pw_uid, entry->pw_gid) == 0);
    if (!is_given || ::chmod(targets_.directory.c_str(), for_all) != 0 || ::chmod(targets_.socket.c_str(), for_all) != 0)
        throw_errno("selftest: rights");
}

bool Selftest::begin()
{
    for (current_ = 0; current_ < probes().size(); ++current_) {
        std::error_code ignored;
        std::filesystem::remove(targets_.directory + "/new", ignored);
        Fd file(::open(targets_.file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, file_for_all));
        ::fchmod(file.get(), file_for_all);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(targets_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connection_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        (void)::connect(connection_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
        targets_.connection = connection_.get();
        pid_t child = ::fork();
        if (child < 0)
            throw_errno("selftest: fork");
        if (child == 0)
            return true;
        auto name = std::string(probes()[current_].name);
        name.resize(name_width, ' ');
        (void)write_all(1, cat(name, " ", outcome_of(child), "\n")).operator bool();
    }
    return false;
}

std::string Selftest::outcome_of(pid_t child) const
{
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? "killed" : cat("died of signal ", WTERMSIG(status));
    return WEXITSTATUS(status) == worked ? "yes" : WEXITSTATUS(status) == refused ? "no" : cat("ended with status ", WEXITSTATUS(status));
}

// Like a program that executes successfully, a probe that works ends with 0; all other ends of the process are different.
void Selftest::attempt() const { ::_exit(probes()[current_].attempt(targets_) ? worked : refused); }

}  // namespace mta::sandbox
