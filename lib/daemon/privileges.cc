#include <unistd.h>

#include <system_error>

#include "daemon/process.h"
#include "log/log.h"

// How a process of the suite gives up what it does not need.
namespace mta::daemon {

void Process::drop_privileges(sandbox::Rules rules, const std::string& role)
{
    end_trial();
    if (::geteuid() != 0 || !unprivileged_)
        return confine(std::move(rules), std::nullopt);
    const std::string owner = common_->mail_owner;
    auto found = find_user(role.empty() ? owner : cat(owner, "-", role));
    if (!found && found.error().is_permanent())
        found = find_user(owner);
    if (!found)
        log::fatal(found.error().text, "; \"make install-users\" makes the users of the suite");
    confine(std::move(rules), *found);
}

void Process::become(sandbox::Rules rules, const User& user)
{
    end_trial();
    confine(std::move(rules), user);
}

void Process::keep_root(sandbox::Rules rules)
{
    end_trial();
    confine(std::move(rules), std::nullopt);
}

void Process::confine(sandbox::Rules rules, const std::optional<User>& user)
{
    try {
        if (chroot_ && ::geteuid() == 0) {
            if (::chroot(common_->queue_directory().c_str()) != 0 || ::chdir("/") != 0)
                throw_errno("chroot");
            rules.has_root = true;
        }
        confinement_->leave_host(std::move(rules), user);
    } catch (const std::system_error& error) {
        log::fatal("cannot drop privileges: ", error.what());
    }
}

void Process::seal(const std::vector<std::string>& directories)
{
    oom_score_.reset();
    confinement_->enter(directories);
}

sandbox::Rules Process::table_rules() const
{
    sandbox::Rules rules;
    add_tables(rules, config_);
    return rules;
}

}  // namespace mta::daemon
