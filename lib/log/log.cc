#include "log/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include "base/fd.h"
#include "base/file.h"

namespace mta::log {

namespace {

enum class Target { standard_error, command, file, syslog };

// The one sink of a process. A log is global by nature: every function of every layer may speak.
struct Sink {
    Target target = Target::standard_error;
    Fd fd;
    int facility = 2;  // mail, RFC 5424 section 6.2.1
    std::string tag = "buuta";
    std::string command;           // copies to standard error begin with it; empty: there are none
    std::string host;
    bool verbose = false;
    int fatal_status = 1;
    pid_t process_id = 0;          // 0: to be asked for
};

Sink& sink()
{
    static Sink instance;
    return instance;
}

constexpr std::array<std::string_view, 5> prefixes{"", "", "warning: ", "error: ", "fatal: "};
constexpr std::array<int, 5> severities{7, 6, 4, 3, 2};

std::string timestamp(const char* format)
{
    std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    char text[32];
    return {text, std::strftime(text, sizeof text, format, &local)};
}

// getpid(2) is a system call each time, and a line is logged several times per mail.
pid_t process_id()
{
    if (sink().process_id == 0) {
        static const int registered = ::pthread_atfork(nullptr, nullptr, [] { sink().process_id = 0; });
        sink().process_id = registered == 0 ? ::getpid() : 0;
    }
    return sink().process_id;
}

std::string line_for(Level level, std::string_view text)
{
    auto& s = sink();
    auto prefix = prefixes[static_cast<std::size_t>(level)];
    auto clean = printable(text);
    switch (s.target) {
    case Target::command:
        return cat(s.tag, ": ", prefix, clean, "\n");
    case Target::syslog:
        return cat("<", s.facility * 8 + severities[static_cast<std::size_t>(level)], ">", timestamp("%b %e %H:%M:%S "), s.tag,
                   "[", process_id(), "]: ", prefix, clean);
    default:
        return cat(timestamp("%b %d %H:%M:%S "), s.host, " ", s.tag, "[", process_id(), "]: ", prefix, clean, "\n");
    }
}

void find_host()
{
    char name[256] = "localhost";
    ::gethostname(name, sizeof name - 1);
    std::string host(name);
    sink().host = host.substr(0, host.find('.'));
}

// Without memory there may be no line, but there is an end, and no core.
[[noreturn]] void end_uncaught()
{
    try {
        if (std::current_exception())
            std::rethrow_exception(std::current_exception());
        std::abort();
    } catch (const std::exception& error) {
        try {
            write(Level::fatal, error.what());
        } catch (const std::bad_alloc&) {
            constexpr std::string_view text = "fatal: out of memory\n";
            (void)!::write(sink().target == Target::file ? sink().fd.get() : 2, text.data(), text.size());
        }
    }
    ::_exit(sink().fatal_status);
}

// Memory may be missing from the first allocation of a process on.
[[maybe_unused]] const std::terminate_handler before_ours = std::set_terminate(end_uncaught);

constexpr std::array<std::string_view, 24> facilities{"kern", "user",   "mail",   "daemon", "auth",   "syslog", "lpr",    "news",
                                                      "uucp", "cron",   "authpriv", "ftp",  "",       "",       "",       "",
                                                      "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"};

}  // namespace

bool open_file(const std::string& path)
{
    auto& s = sink();
    if (path == "/dev/stdout") {
        s.fd.reset(::fcntl(1, F_DUPFD_CLOEXEC, 3));
    } else {
        s.fd.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    }
    if (!s.fd)
        return false;
    s.target = Target::file;
    find_host();
    return true;
}

bool open_syslog(const std::string& facility)
{
    auto& s = sink();
    for (std::size_t i = 0; i < facilities.size(); ++i)
        if (facilities[i] == facility)
            s.facility = static_cast<int>(i);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, "/dev/log");
    Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return false;
    s.fd = std::move(fd);
    s.target = Target::syslog;
    return true;
}

void open_stderr() { sink().target = Target::command; }
void copy_to_stderr(std::string name) { sink().command = std::move(name); }

void set_tag(std::string tag) { sink().tag = std::move(tag); }

const std::string& tag() { return sink().tag; }
void set_verbose(bool verbose) { sink().verbose = verbose; }
bool verbose() { return sink().verbose; }
void set_fatal_status(int status) { sink().fatal_status = status; }

void write(Level level, std::string_view text)
{
    auto& s = sink();
    if (!s.command.empty()) {
        auto prefix = prefixes[static_cast<std::size_t>(level)];
        (void)write_all(2, cat(s.command, ": ", prefix, printable(text), "\n")).operator bool();
    }
    auto line = line_for(level, text);
    if (s.target == Target::syslog)
        ::send(s.fd.get(), line.data(), line.size(), MSG_NOSIGNAL);
    else
        (void)write_all(s.target == Target::file ? s.fd.get() : 2, line).operator bool();
}

void stop() { std::exit(sink().fatal_status); }

}  // namespace mta::log
