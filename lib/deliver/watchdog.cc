#include "deliver/watchdog.h"

#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace mta::deliver::watchdog {

namespace {

volatile std::sig_atomic_t last_seconds = 0;  // what is granted after the limit; 0: it was

void expired(int)
{
    if (last_seconds == 0)
        ::_exit(EX_TEMPFAIL);
    ::alarm(static_cast<unsigned>(last_seconds));
    last_seconds = 0;
}

}  // namespace

void install()
{
    struct sigaction action {};
    action.sa_handler = expired;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGALRM, &action, nullptr);
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &alarm, nullptr);
}

void restart(std::chrono::seconds limit)
{
    last_seconds = static_cast<int>(std::max<long>(limit.count() / 4, 1));
    ::alarm(static_cast<unsigned>(limit.count()));
}

void stop() { ::alarm(0); }

}  // namespace mta::deliver::watchdog
