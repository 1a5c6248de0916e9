#include "t/lib/command.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <random>
#include <vector>

#include "base/file.h"
#include "base/text.h"

namespace mta::test {

using namespace std::chrono_literals;

namespace {

Fd memory_file(std::string_view content)
{
    Fd file(::memfd_create("test", MFD_CLOEXEC));
    if (!file)
        throw_errno("memfd_create");
    if (!write_all(file.get(), content))
        throw_errno("memfd");
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

std::string content_of(int fd)
{
    struct stat status;
    if (::fstat(fd, &status) < 0)
        throw_errno("fstat");
    std::string content(static_cast<std::size_t>(status.st_size), '\0');
    auto n = ::pread(fd, content.data(), content.size(), 0);
    content.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return content;
}

[[noreturn]] void become(const std::string& command, const Environment& environment, int input, int output)
{
    ::setsid();
    ::dup2(input, 0);
    ::dup2(output, 1);
    ::dup2(output, 2);
    for (const auto& [name, value] : environment)
        ::setenv(name.c_str(), value.c_str(), 1);
    ::execl("/bin/bash", "bash", "-c", command.c_str(), nullptr);
    ::_exit(127);
}

}  // namespace

Background::Background(const std::string& command, const Environment& environment, std::string_view input)
{
    auto source = memory_file(input);
    output_ = memory_file("");
    pid_ = ::fork();
    if (pid_ < 0)
        throw_errno("fork");
    if (pid_ == 0)
        become(command, environment, source.get(), output_.get());
}

Background::~Background()
{
    if (has_ended_)
        return;
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Background::signal(int number) const
{
    if (::kill(-pid_, number) < 0)
        ::kill(pid_, number);  // it has not made its group yet
}

Outcome Background::wait(std::chrono::milliseconds limit)
{
    Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    pollfd ready{handle.get(), POLLIN, 0};
    Outcome outcome;
    bool is_late = ::poll(&ready, 1, static_cast<int>(limit.count())) <= 0;
    if (is_late)
        signal(SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    has_ended_ = true;
    if (!is_late)
        outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.output = content_of(output_.get());
    if (is_late)
        outcome.output += "\n(did not end in time)\n";
    return outcome;
}

Outcome run(const std::string& command, std::string_view input, const Environment& environment, std::chrono::milliseconds limit)
{
    return Background(command, environment, input).wait(limit);
}

bool wait_for(const std::string& directory, const std::function<bool()>& question, std::chrono::milliseconds limit)
{
    Fd changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    ::inotify_add_watch(changes.get(), directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE);
    for (auto end = Clock::now() + limit;;) {
        if (question())
            return true;
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        if (left <= 0ms)
            return false;
        // Not everything that a question is about happens in the directory: it is asked again after 50 ms in any case.
        pollfd ready{changes.get(), POLLIN, 0};
        ::poll(&ready, 1, static_cast<int>(std::min<std::chrono::milliseconds>(left, 50ms).count()));
        char events[4096];
        while (::read(changes.get(), events, sizeof events) > 0)
            ;
    }
}

TemporaryDirectory::TemporaryDirectory()
{
    char name[] = "/tmp/buuta-test-XXXXXX";
    if (!::mkdtemp(name))
        throw_errno("mkdtemp");
    path_ = name;
    ::chmod(name, 0755);
}

TemporaryDirectory::~TemporaryDirectory()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

int free_port()
{
    // Above are those of t/instance, and then those that the system gives to clients: they could be in use when it is needed.
    constexpr int first = 10000, last = 19999;
    std::random_device random;
    std::uniform_int_distribution<int> any(first, last);
    while (true) {
        Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        int port = any(random);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
            return port;
        if (errno != EADDRINUSE)
            throw_errno("free_port");
    }
}

bool is_root() { return ::geteuid() == 0; }

std::string shell_quoted(std::string_view text) { return cat("'", replace_all(text, "'", "'\\''"), "'"); }

}  // namespace mta::test
