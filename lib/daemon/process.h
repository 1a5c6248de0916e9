#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "config/common.h"
#include "daemon/confinement.h"
#include "daemon/user.h"
#include "event/event.h"
#include "ipc/channel.h"

// The skeleton of every daemon that master starts:
//   COMMAND [--selftest-sandbox[=USER]] [-k] -n SERVICE -t TYPE -C CONFIG_DIRECTORY -s N [-m MAXPROC] [-u] [-r] [-v] [-o name=value]... [arguments]
// With -k, for "buuta check", it ends where it would drop its privileges or serve.
// Descriptor 3 is a socket to master: 'R' says that we are ready, its end says that master is gone. Descriptors 4 to 4+N-1
// are the listening sockets, and behind them is the memory where hits of limits are counted. SIGHUP: serve the clients that are there until they go, then end. SIGTERM: finish what is in hand,
// send away who is silent, then end. SIGINT: end at once.
namespace mta::daemon {

// Workers: true when this worker shall end after what it has in hand.
bool is_stopping();

class Process {
public:
    Process(int argc, char** argv, const std::string& name);
    ~Process();

    const config::Config& config() const { return config_; }
    const config::Common& common() const { return *common_; }
    const std::string& service() const { return service_; }        // name in master.cf
    const std::string& type() const { return type_; }              // inet, unix, pass
    const std::vector<std::string>& arguments() const { return arguments_; }  // of master.cf, without -o
    const std::string& option(char letter) const;                  // value of -w, -W: front only
    const std::vector<Fd>& listeners() const { return listeners_; }
    // A socket of another service: queue_directory/private/name or public/name.
    std::string socket_path(const std::string& service, bool is_public = false) const;

    // A trial (-k) ends here: what follows needs a system that runs. drop_privileges(), serve() and run() begin with it.
    void end_trial() const;

    // Into the sandbox, first step: what the rules do not name is out of reach, and the process is mail_owner, or the user
    // MAIL_OWNER-role if there is one, if the service runs unprivileged (-u) and we are root. Call it before anything from outside is read. What has to be
    // opened may be opened behind it, by the rules; the last step, after which the kernel kills for what is forbidden, is taken by
    // seal(), or by serve() and run() when it was not.
    void drop_privileges(sandbox::Rules rules, const std::string& role = "");
    // The same for a user that the service has chosen, whatever master.cf says.
    void become(sandbox::Rules rules, const User& user);
    // The same for parents whose workers become mailbox owners: these rules are the workers'.
    void keep_root(sandbox::Rules rules);
    // In a worker of such a parent: when it has become the owner, with the directories that it may change.
    void seal(const std::vector<std::string>& directories = {});
    const Confinement& confinement() const { return *confinement_; }
    // What the tables of this process's parameters need.
    sandbox::Rules table_rules() const;

    struct Workers {
        long max_use = 0;          // connections per worker; 0: the parameter max_use
        long spare = 1;            // idle workers to keep ready
        // Called in the parent before it forks and in a worker before each connection: opens tables that were replaced.
        std::function<void()> renew = nullptr;
        // Workers that become an owner: does it as for the first client, for the test of the sandbox.
        std::function<void()> rehearse = nullptr;
    };
    // Worker parents: forks workers on demand, up to the process limit; each accepts connections and calls the handler, one
    // at a time. The handler must not throw anything but std::exception, which is logged and ends that connection only.
    int serve(std::function<void(Fd client)> handler, Workers options);
    int serve(std::function<void(Fd client)> handler) { return serve(std::move(handler), Workers()); }

    // Workers that answer single requests over many connections at once (trivial-rewrite): the handler gives the reply.
    int serve_requests(std::function<ipc::Message(const ipc::Message&)> handler);

    // Event daemons: runs the loop until SIGTERM or master's end, which call on_stop (which must lead to loop.stop());
    // without on_stop the loop is stopped at once. SIGHUP says that another process has the new clients from now on: the
    // listening sockets are closed and on_retire is called, for who has something to go on with; without it, SIGHUP ends us.
    int run(event::Loop& loop, std::function<void()> on_stop = nullptr, std::function<void()> on_retire = nullptr);

private:
    void confine(sandbox::Rules rules, const std::optional<User>& user);
    void enter_as_parent(const std::function<void()>& rehearse);
    void parse(int argc, char** argv, config::Overrides& overrides);
    void open_log();
    void ready();

    std::string name_, service_, type_, config_directory_;
    std::vector<std::string> arguments_;
    std::string front_worker_, front_socket_, empty_;
    std::optional<std::string> selftest_;
    std::unique_ptr<Confinement> confinement_;
    config::Config config_;
    std::unique_ptr<config::Common> common_;
    Fd master_;
    Fd oom_score_;  // /proc/self/oom_score_adj, to which no path leads from within the sandbox
    std::vector<Fd> listeners_;
    long process_limit_ = -1;
    bool unprivileged_ = false, chroot_ = false, is_trial_ = false;
};

}  // namespace mta::daemon
