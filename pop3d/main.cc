#include <unistd.h>

#include "log/log.h"
#include "pop3d/handover.h"

using namespace mta;

// pop3d(8): POP3 sessions of clients that front has let in; see man/man8/pop3d.8.
int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "pop3d");
    const pop3d::Params params(process.config());
    bool is_root = ::geteuid() == 0;
    auto stranger = is_root ? daemon::find_user(process.common().mail_owner()) : Result<daemon::User>(daemon::User());
    if (!stranger)
        log::fatal("mail_owner: ", stranger.error().text);
    const pop3d::Handover handover(params, process.socket_path("auth"), *stranger);
    // Who has become a mailbox's owner cannot become another one.
    daemon::Process::Workers workers{.max_use = is_root ? 1 : 0, .spare = 1};
    return process.serve([&](Fd front) { handover.serve(std::move(front)); }, workers);
}
