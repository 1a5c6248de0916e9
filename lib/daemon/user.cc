#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "base/text.h"
#include "daemon/user.h"
#include "sandbox/sandbox.h"

namespace mta::daemon {

namespace {

Result<User> by_number(const std::string& text, std::size_t colon)
{
    auto uid = parse_number<uid_t>(std::string_view(text).substr(0, colon));
    auto gid = parse_number<gid_t>(std::string_view(text).substr(colon + 1));
    if (!uid || !gid)
        return failure(cat("bad user: ", text));
    return User{*uid, *gid, "", "/", ""};
}

}  // namespace

Result<User> find_user(const std::string& name)
{
    if (auto colon = name.find(':'); colon != std::string::npos)
        return by_number(name, colon);
    std::string buffer(65536, '\0');
    passwd entry{}, *found = nullptr;
    int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error != 0 && error != ENOENT) {
        errno = error;
        return errno_error(cat("look up user ", name));
    }
    if (!found)
        return Error{cat("unknown user: \"", name, "\""), "5.1.1"};
    return User{entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir, entry.pw_shell};
}

void become(const User& user, bool with_groups)
{
    if (::geteuid() != 0)
        return;
    auto check = [](int result, const char* what) {
        if (result != 0)
            throw_errno(what);
    };
    int signal = 0;
    ::prctl(PR_GET_PDEATHSIG, &signal);
    if (with_groups)
        check(::initgroups(user.name.c_str(), user.gid), "initgroups");
    else
        check(::setgroups(0, nullptr), "setgroups");
    if (auto limited = user.uid != 0 ? sandbox::limit_capabilities({}) : Result<void>(); !limited)
        throw_errno(limited.error().text);
    check(::setresgid(user.gid, user.gid, user.gid), "setresgid");
    check(::setresuid(user.uid, user.uid, user.uid), "setresuid");
    if (user.uid != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0)) {
        errno = EPERM;
        throw_errno("dropped privileges came back");
    }
    check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    check(::prctl(PR_SET_PDEATHSIG, signal != 0 ? signal : SIGTERM), "parent death signal");  // the change of uid has reset it
}

}  // namespace mta::daemon
