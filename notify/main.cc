#include "daemon/process.h"
#include "notify/daemon.h"

// notify(8): wakes IMAP sessions that wait in front when something happens in their mailboxes; see man/man8/notify.8.
int main(int argc, char** argv)
{
    using namespace mta;
    daemon::Process process(argc, argv, "notify");
    sandbox::Rules rules;
    process.drop_privileges(rules.add({sandbox::Calls::serve, sandbox::Calls::watch_files}));
    mta::event::Loop loop;
    notify::Daemon daemon(loop, process.listeners(), {});
    return process.run(loop);
}
