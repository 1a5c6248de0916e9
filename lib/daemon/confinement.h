#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "daemon/params.h"
#include "daemon/user.h"
#include "sandbox/probe.h"
#include "sandbox/sandbox.h"

// How a daemon gets into its sandbox, step by step.
namespace mta::daemon {

// What the tables need that the parameters of this process name: their directories, so that those that are replaced can be
// opened again; for unix: tables the users of the host.
void add_tables(sandbox::Rules& rules, const config::Config& config);
// The C library loads what finds users when it does not find one for the first time; in a sandbox it cannot.
void load_user_databases();
// To find users of the host, from wherever nsswitch.conf(5) says.
void add_users(sandbox::Rules& rules, sandbox::Path::Use use = sandbox::Path::Use::read);

class Confinement {
public:
    // Without the parameter "sandbox" only users change. selftest: the argument of --selftest-sandbox.
    Confinement(const config::Config& config, const std::optional<std::string>& selftest);
    ~Confinement();

    // First, while all is open that needs to be: namespaces, root directory, user and capabilities. Without a user root stays
    // root, with few capabilities.
    void leave_host(sandbox::Rules rules, const std::optional<User>& user);
    // A parent, which parses nothing: may do what its workers need, to enter their sandboxes, and to look after them. Those who call
    // enter() from now on are workers.
    void enter_as_parent();
    // Last: files, ports, system calls; with more directories to change. Once: later calls do nothing. The selftest ends here.
    void enter(const std::vector<std::string>& directories = {});
    // For the selftest: a worker that becomes somebody becomes this one.
    bool is_selftest() const { return selftest_ != nullptr; }
    const std::string& test_owner() const { return test_owner_; }
    std::string test_directory() const { return selftest_->maildir(); }

private:
    void load(const sandbox::Rules& rules, const sandbox::Filter& filter);

    const Params params_;
    bool is_wanted_;
    bool has_entered_ = false, is_worker_ = false;
    sandbox::Rules rules_;
    sandbox::Filter filter_;
    std::unique_ptr<sandbox::Selftest> selftest_;
    std::string test_owner_;
};

}  // namespace mta::daemon
