#include "buuta/passwd.h"

#include <fcntl.h>
#include <getopt.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <optional>

#include "auth/scheme.h"
#include "auth/user_params.h"
#include "auth/users.h"
#include "base/file.h"
#include "base/text.h"
#include "daemon/process.h"

namespace mta::buuta {

namespace {

constexpr std::string_view file_prefix = "passwd-file:";
constexpr int usage_status = 1;

struct Request {
    std::string user, scheme;
    bool deletes = false, prints = false;
};

std::string usage()
{
    return cat("usage: buuta passwd [-d | -p] [-s scheme] user\n  -d  delete the user's entry\n  -p  print the password as it would be stored, change nothing\n"
               "  -s  one of ", join(auth::password_schemes(), " "), "\n");
}

std::optional<Request> parse(int argc, char** argv, const auth::UserParams& params)
{
    Request request;
    request.scheme = params.password_scheme;
    optind = 1;
    for (int letter; (letter = ::getopt(argc, argv, "+dps:")) != -1;) {
        switch (letter) {
        case 'd': request.deletes = true; break;
        case 'p': request.prints = true; break;
        case 's': request.scheme = optarg; break;
        default: return std::nullopt;
        }
    }
    if (optind + 1 != argc || (request.deletes && request.prints))
        return std::nullopt;
    request.user = lower(argv[optind]);
    return request;
}

// A line from the terminal without showing it, or from the input if that is no terminal.
std::optional<std::string> read_password(std::string_view prompt)
{
    bool is_terminal = ::isatty(STDIN_FILENO) == 1;
    termios shown{};
    if (is_terminal && ::tcgetattr(STDIN_FILENO, &shown) == 0) {
        auto hidden = shown;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        std::cerr << prompt << std::flush;
    }
    std::string line;
    bool got = static_cast<bool>(std::getline(std::cin, line));
    if (is_terminal) {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        std::cerr << '\n';
    }
    return got ? std::optional<std::string>(line) : std::nullopt;
}

Result<std::string> new_password()
{
    auto first = read_password("New password: ");
    if (!first)
        return failure("no password was given");
    if (::isatty(STDIN_FILENO) == 1 && read_password("Again: ") != first)
        return failure("the passwords differ");
    return *first;
}

// Replaces the file durably with the owner and mode that it had. A new one can be read by auth and nobody else.
Result<void> replace(const std::string& path, const std::string& text, const config::Common& common)
{
    struct stat status {};
    status.st_mode = 0640;
    status.st_uid = ::geteuid();
    status.st_gid = ::getegid();
    if (::stat(path.c_str(), &status) != 0 && ::geteuid() == 0)
        if (auto owner = daemon::find_user(common.mail_owner()))
            status.st_gid = owner->gid;
    auto temporary = cat(path, ".new");
    ::unlink(temporary.c_str());
    Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd)
        return errno_error(temporary);
    if (::geteuid() == 0 && ::fchown(fd.get(), status.st_uid, status.st_gid) != 0)
        return errno_error(cat("chown ", temporary));
    if (::fchmod(fd.get(), status.st_mode & 07777) != 0)
        return errno_error(cat("chmod ", temporary));
    if (auto done = write_all(fd.get(), text); !done)
        return done;
    if (auto done = sync(fd.get(), temporary); !done)
        return done;
    if (::rename(temporary.c_str(), path.c_str()) != 0)
        return errno_error(cat("rename ", temporary));
    return sync_directory(path.substr(0, path.rfind('/') + 1));
}

Result<void> change(const std::string& path, const Request& request, const std::string& stored, const config::Common& common)
{
    auto directory = path.substr(0, path.rfind('/') + 1);
    Fd lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // against another change at the same time
    if (!lock || ::flock(lock.get(), LOCK_EX) != 0)
        return errno_error(directory);
    std::string text;
    if (exists(path)) {
        auto old = read_file(path);
        if (!old)
            return old.error();
        text = *std::move(old);
    }
    if (request.deletes) {
        auto changed = auth::without_user(text, request.user);
        if (!changed)
            return failure(cat("there is no user ", request.user, " in ", path));
        return replace(path, *changed, common);
    }
    auto changed = auth::with_password(text, request.user, stored);
    if (!changed)
        return changed.error();
    return replace(path, *changed, common);
}

}  // namespace

int passwd(int argc, char** argv, const Context& context)
{
    const auth::UserParams params(context.config());
    auto request = parse(argc, argv, params);
    if (!request) {
        std::cerr << usage();
        return usage_status;
    }
    const auto& users = params.users();
    bool is_file = users.starts_with(file_prefix) && users.find('/') != std::string::npos;
    if (!is_file && !request->prints)
        return context.fatal(cat("auth_users is ", users, ": only users in passwd-file:/path can be changed; -p prints what to store there"));
    std::string stored;
    if (!request->deletes) {
        auto password = new_password();
        if (!password)
            return context.fatal(password.error().text);
        auto made = auth::make_password(request->scheme, *password);
        if (!made)
            return context.fatal(made.error().text);
        stored = *std::move(made);
    }
    if (request->prints) {
        std::cout << stored << '\n';
        return 0;
    }
    auto done = change(users.substr(file_prefix.size()), *request, stored, context.common());
    return done ? 0 : context.fatal(done.error().text);
}

}  // namespace mta::buuta
