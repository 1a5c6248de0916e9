#include "keys/opener.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "base/file.h"
#include "base/file_stamp.h"
#include "base/text.h"
#include "log/log.h"
#include "sandbox/sandbox.h"

namespace mta::keys {

using namespace std::chrono_literals;

namespace {

constexpr auto look_interval = 3s;
constexpr auto first_limit = 60s;
constexpr off_t max_file_bytes = 1 << 20;

std::vector<std::string> stamps(const std::vector<std::string>& paths)
{
    std::vector<std::string> found;
    for (const auto& path : paths)
        found.push_back(file_stamp(path));
    return found;
}

ipc::Message look(const std::string& path)
{
    ipc::Message message;
    message.add("path", path);
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        message.add("error", errno_error(cat("open ", path)).text);
    else if (!S_ISREG(status.st_mode))
        message.add("error", cat(path, " is no file"));
    else
        message.fd = std::move(fd);
    return message;
}

// True if the parent has ended.
bool wait_for_end(int socket) { return net::wait_ready(socket, POLLIN, std::chrono::steady_clock::now() + look_interval); }

// Root, which may read any file, and nothing else: it hears nobody, but what it opens could be a trap.
void confine()
{
    using namespace sandbox;
    Rules rules;
    rules.has_root = rules.has_any_file = true;
    rules.add({Calls::read_files});
    for (const auto& done : {limit_capabilities({CAP_DAC_READ_SEARCH}), give_up_privileges(), enter(rules, filter_of(rules))})
        if (!done)
            log::fatal("cannot enter the sandbox: ", done.error().text);
}

[[noreturn]] void keep_looking(Fd socket, const std::vector<std::string>& paths)
{
    try {
        ipc::Channel channel(std::move(socket));
        std::optional<std::vector<std::string>> last;
        do {
            auto now = stamps(paths);
            if (now == last)
                continue;
            last = now;  // from before they are opened, so that no change is missed
            for (const auto& path : paths)
                channel.send(look(path));
            ipc::Message end;
            end.add("end", "1");
            channel.send(end);
        } while (!wait_for_end(channel.fd()));
    } catch (const std::exception& error) {
        log::warning("looking at the key files: ", error.what());
    }
    ::_exit(0);
}

Result<std::string> content(const ipc::Message& message, std::string_view path)
{
    if (auto error = message.find("error"))
        return failure(std::string(*error));
    struct stat status {};
    if (!message.fd || ::fstat(message.fd.get(), &status) != 0)
        return failure(cat("open ", path, ": no descriptor came"));
    if (status.st_size > max_file_bytes)
        return failure(cat(path, " is too large"));
    return read_at(message.fd.get(), 0, static_cast<std::size_t>(status.st_size));
}

}  // namespace

Opener::Opener(const std::vector<std::string>& paths, const std::vector<Fd>& listeners, bool is_confined) : channel_(Fd())
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        log::fatal(errno_error("socketpair").text);
    Fd ours(ends[0]), theirs(ends[1]);
    pid_t parent = ::getpid();
    pid_t child = ::fork();
    if (child < 0)
        log::fatal(errno_error("fork").text);
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int number : {SIGTERM, SIGINT, SIGHUP})
            (void)::signal(number, SIG_IGN);  // it ends with its parent
        if (::getppid() != parent)
            ::_exit(0);
        ours.reset();
        for (const auto& listener : listeners)
            ::close(listener.get());
        if (is_confined)
            confine();
        keep_looking(std::move(theirs), paths);
    }
    channel_ = ipc::Channel(std::move(ours));
}

Files Opener::first()
{
    while (auto message = channel_.receive(first_limit)) {
        if (message->find("end"))
            return std::exchange(files_, {});
        take(*std::move(message));
    }
    throw net::Lost(net::Lost::Kind::closed, "the process that opens the key files has ended");
}

void Opener::watch(event::Loop& loop, std::function<void(Files)> changed)
{
    changed_ = std::move(changed);
    auto received = [this](ipc::Message message) {
        if (!message.find("end"))
            return take(std::move(message));
        changed_(std::exchange(files_, {}));
    };
    child_ = std::make_unique<ipc::Peer>(loop, channel_.release(), received, [] { log::fatal("the process that opens the key files has ended"); });
}

void Opener::take(ipc::Message message)
{
    std::string path(message.find("path").value_or(""));
    files_.insert_or_assign(path, content(message, path));
}

}  // namespace mta::keys
