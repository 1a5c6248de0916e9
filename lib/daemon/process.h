#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "config/common.h"
#include "event/event.h"
#include "ipc/channel.h"

// The skeleton of every daemon that master starts:
//   COMMAND [-k] -n SERVICE -t TYPE -C CONFIG_DIRECTORY -s N [-m MAXPROC] [-u] [-r] [-v] [-o name=value]... [arguments]
// With -k, for "buuta check", it ends where it would drop its privileges or serve.
// Descriptor 3 is a socket to master: 'R' says that we are ready, its end says that master is gone. Descriptors 4 to 4+N-1
// are the listening sockets. SIGHUP: serve the clients that are there until they go, then end. SIGTERM: finish what is in hand,
// send away who is silent, then end. SIGINT: end at once.
namespace mta::daemon {

// An identity to become; by number, so that nothing has to be looked up later.
struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name, home, shell;
};
// "name" or "uid:gid"; an Error if there is no such user, or temporarily if that cannot be told.
Result<User> find_user(const std::string& name);

// Becomes the user for ever: supplementary groups, gid, uid, no way back, no new privileges. Does nothing when not root. Throws
// std::system_error when any of it fails. A worker dies with its parent also after this.
void become(const User& user, bool with_groups = false);

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

    // Becomes mail_owner, or the given user, if the service runs unprivileged (-u) and we are root; call it before
    // anything from outside is read.
    void drop_privileges(const std::string& user = "");

    struct Workers {
        long max_use = 0;          // connections per worker; 0: the parameter max_use
        long spare = 1;            // idle workers to keep ready
        // Called in the parent before it forks and in a worker before each connection: opens tables that were replaced.
        std::function<void()> renew = nullptr;
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
    void parse(int argc, char** argv, config::Overrides& overrides);
    void open_log();
    void ready();

    std::string name_, service_, type_, config_directory_;
    std::vector<std::string> arguments_;
    std::string front_worker_, front_socket_, empty_;
    config::Config config_;
    std::unique_ptr<config::Common> common_;
    Fd master_;
    std::vector<Fd> listeners_;
    long process_limit_ = -1;
    bool unprivileged_ = false, chroot_ = false, is_trial_ = false;
};

}  // namespace mta::daemon
