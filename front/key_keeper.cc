#include "front/key_keeper.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "log/log.h"

namespace mta::front {

namespace {

constexpr int look_interval_milliseconds = 3000;
constexpr std::size_t max_file_bytes = 30000;  // chain and key together fit a message
using Files = std::map<std::string, std::string>;

std::string stamp(const Files& files)
{
    std::string text;
    for (const auto& [path, content] : files) {
        struct stat status {};
        ::stat(path.c_str(), &status);
        text += cat(status.st_ino, " ", status.st_size, " ", status.st_mtim.tv_sec, " ", status.st_mtim.tv_nsec, "\n");
    }
    return text;
}

// What cannot be read stays empty: the TLS library says what is wrong with it, and the former certificate stays.
void read_all(Files& files)
{
    for (auto& [path, content] : files) {
        auto text = read_file(path, max_file_bytes);
        if (!text)
            log::warning(text.error().text);
        content = text ? *text : "";
    }
}

// True if the parent has ended.
bool wait_for_end(int socket)
{
    auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(look_interval_milliseconds);
    return net::wait_ready(socket, POLLIN, deadline);
}

[[noreturn]] void keep(Fd socket, Files files, std::string last)
{
    try {
        ipc::Channel channel(std::move(socket));
        while (!wait_for_end(channel.fd())) {
            auto now = stamp(files);
            if (now == last)
                continue;
            last = now;
            read_all(files);
            for (const auto& [path, content] : files) {
                ipc::Message message;
                message.add("path", path);
                message.add("content", content);
                message.add("last", path == files.rbegin()->first ? "1" : "0");
                channel.send(message);
            }
        }
    } catch (const std::exception& error) {
        log::warning("key process: ", error.what());
    }
    ::_exit(0);
}

}  // namespace

KeyKeeper::KeyKeeper(event::Loop& loop, const std::vector<tls::CertificateFiles>& certificates, const std::vector<Fd>& listeners,
                     std::function<void()> changed)
    : changed_(std::move(changed)), files_(std::make_shared<Files>())
{
    for (const auto& certificate : certificates) {
        (*files_)[certificate.chain];
        (*files_)[certificate.key];
    }
    auto first = stamp(*files_);
    read_all(*files_);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        log::fatal(errno_error("socketpair").text);
    Fd ours(ends[0]), theirs(ends[1]);
    pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0)
        log::fatal(errno_error("fork").text);
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::signal(SIGTERM, SIG_IGN);  // it ends with its parent
        if (::getppid() != parent)
            ::_exit(0);
        ours.reset();
        for (const auto& listener : listeners)
            ::close(listener.get());
        keep(std::move(theirs), *files_, first);
    }
    child_ = std::make_unique<ipc::Peer>(loop, std::move(ours), [this](ipc::Message message) { received(message); },
                                         [this] {
                                             log::warning("the key process ended: certificates will not be read again");
                                             child_.reset();
                                         });
}

KeyKeeper::~KeyKeeper()
{
    child_.reset();
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

tls::Reader KeyKeeper::reader() const
{
    return [files = files_](const std::string& path) -> Result<std::string> {
        auto found = files->find(path);
        if (found == files->end() || found->second.empty())
            return failure(cat("cannot read ", path));
        return found->second;
    };
}

void KeyKeeper::received(const ipc::Message& message)
{
    auto path = message.find("path"), content = message.find("content"), last = message.find("last");
    if (!path || !content || !last)
        return;
    if (auto known = files_->find(std::string(*path)); known != files_->end())
        known->second = *content;
    if (*last == "1")
        changed_();
}

}  // namespace mta::front
