#include "daemon/confinement.h"

#include <unistd.h>

#include <algorithm>

#include "base/checksum.h"
#include "config/common.h"
#include "daemon/params.h"
#include "log/log.h"
#include "sandbox/root.h"

namespace mta::daemon {

namespace {

constexpr const char* test_user = "nobody";

void require(const Result<void>& done)
{
    if (!done)
        log::fatal("cannot enter the sandbox: ", done.error().text, "; \"sandbox = no\" in main.cf does without it");
}

bool is_root_directory(const sandbox::Path& path) { return path.name == "/" && path.use != sandbox::Path::Use::hide; }

}  // namespace

Confinement::Confinement(const config::Config& config, const std::optional<std::string>& selftest) : params_(config), is_wanted_(params_.sandbox)
{
    if (!selftest)
        return;
    test_owner_ = selftest->starts_with('=') ? selftest->substr(1) : test_user;
    selftest_ = std::make_unique<sandbox::Selftest>(config::Common(config).queue_directory(), config.directory(), test_owner_);
}

Confinement::~Confinement() = default;

void Confinement::leave_host(sandbox::Rules rules, const std::optional<User>& user)
{
    if (selftest_ && !selftest_->begin()) {
        selftest_.reset();
        ::_exit(0);
    }
    rules_ = std::move(rules);
    for (auto& path : rules_.paths)
        while (path.name.size() > 1 && path.name.ends_with('/'))
            path.name.pop_back();
    if (std::any_of(rules_.paths.begin(), rules_.paths.end(), is_root_directory))
        rules_.has_root = true;
    bool is_root = ::geteuid() == 0;
    (void)random_bytes(1);  // OpenSSL reads its configuration when it is first used
    if (is_wanted_ && is_root && !sandbox::is_sanitized && !rules_.runs_programs) {
        if (!user)
            load_user_databases();
        // Where nobody can, master has said so.
        if (auto left = sandbox::leave_host(rules_); !left && sandbox::can_leave_host())
            log::warning(left.error().text);
    }
    if (is_wanted_ && is_root && !user)
        require(sandbox::limit_capabilities(sandbox::capabilities_of_parents()));
    if (user)
        become(*user);
    if (!is_wanted_)
        return;
    require(sandbox::give_up_privileges());
    filter_ = sandbox::filter_of(rules_);
}

void Confinement::enter_as_parent()
{
    using sandbox::Calls;
    is_worker_ = true;
    if (!is_wanted_ || rules_.runs_programs)
        return;
    auto wider = rules_;
    wider.add({Calls::serve, Calls::fork, Calls::signal, Calls::enter, Calls::connect, Calls::read_files});
    require(sandbox::filter_of(wider).load());
}

void Confinement::enter(const std::vector<std::string>& directories)
{
    if (has_entered_)
        return;
    has_entered_ = true;
    if (is_wanted_) {
        auto rules = rules_;
        rules.max_data_bytes = (is_worker_ ? params_.worker_memory_limit() : params_.daemon_memory_limit()).number();
        for (const auto& directory : directories)
            rules.add(sandbox::Path::Use::write, directory);
        require(sandbox::give_up_privileges());  // a change of user has made the process one for debuggers again
        require(sandbox::enter(rules, filter_));
    }
    if (selftest_)
        selftest_->attempt();
}

}  // namespace mta::daemon
