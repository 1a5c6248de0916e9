#include "master/launch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "log/log.h"

namespace mta::master {

namespace {

constexpr char initialized_byte = 'I';
constexpr char settled_byte = 'S';

// What the child says: 'I', then 'S' and the names of failed services, one a line. A child that dies says nothing more.
[[noreturn]] void wait_for_child(int pipe, bool for_services)
{
    std::string heard;
    char bytes[4096];
    while (true) {
        auto count = ::read(pipe, bytes, sizeof bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count > 0)
            heard.append(bytes, static_cast<std::size_t>(count));
        if (count <= 0 || (!for_services && !heard.empty()))
            break;
    }
    if (heard.empty())
        std::exit(1);  // it has said why
    if (!for_services)
        std::exit(0);
    if (heard.size() < 2 || heard[1] != settled_byte)
        log::fatal("the mail system ended while it started; see the log");
    auto failed = heard.substr(2);
    for (auto line : split_words(failed, "\n"))
        log::warning(line, ": did not start; see the log. It will be tried again");
    std::exit(failed.empty() ? 0 : 1);
}

}  // namespace

Launch::Launch(Mode mode) : mode_(mode)
{
    if (mode == Mode::foreground)
        return;
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0)
        log::fatal(errno_error("pipe").text);
    Fd read_end(fds[0]), write_end(fds[1]);
    pid_t child = ::fork();
    if (child < 0)
        log::fatal(errno_error("fork").text);
    if (child > 0) {
        write_end.reset();
        wait_for_child(read_end.get(), mode == Mode::wait);
    }
    pipe_ = std::move(write_end);
    ::setsid();
}

void Launch::tell(const std::string& text)
{
    if (pipe_)
        (void)write_all(pipe_.get(), text).operator bool();  // nobody listens any more: no harm
}

void Launch::initialized()
{
    if (is_foreground())
        return;
    Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (int fd = 0; null && fd < 3; ++fd)
        ::dup2(null.get(), fd);
    tell(std::string(1, initialized_byte));
    if (mode_ == Mode::detach)
        pipe_.reset();
}

void Launch::settled(const std::vector<std::string>& failed)
{
    tell(cat(settled_byte, join(failed, "\n")));
    pipe_.reset();
}

}  // namespace mta::master
