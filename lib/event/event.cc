#include "event/event.h"

#include <event2/event.h>

#include <exception>

#include "base/fd.h"
#include "base/text.h"
#include "log/log.h"

namespace mta::event {

static_assert(readable == EV_READ && writable == EV_WRITE);

namespace {

constexpr auto retry_pause = std::chrono::milliseconds(100);
constexpr auto warning_pause = std::chrono::minutes(1);

// An exception must not cross libevent: whoever throws from a handler has a bug, and master restarts the process.
template <class Handler, class... Arguments>
void call(const Handler& handler, Arguments... arguments)
{
    try {
        handler(arguments...);
    } catch (const std::exception& error) {
        log::fatal("unexpected exception in the event loop: ", error.what());
    }
}

}  // namespace

Loop::Loop() : base_(event_base_new())
{
    // Of what it cannot go on with it would tell nobody but standard error.
    event_set_log_callback([](int severity, const char* text) {
        if (severity == EVENT_LOG_ERR)
            log::fatal("libevent: ", text);
    });
    if (!base_)
        log::fatal("event_base_new failed");
}

Loop::~Loop() { event_base_free(base_); }
void Loop::run() { event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY); }
void Loop::stop() { event_base_loopbreak(base_); }
void Loop::reinit() { event_reinit(base_); }

void Loop::warn_of_lack(int fd)
{
    auto now = std::chrono::steady_clock::now();
    if (now < next_warning_)
        return;
    log::warning(errno_error(cat("cannot watch descriptor ", fd)).text, "; trying again");
    next_warning_ = now + warning_pause;
}

Watch::Watch(Loop& loop, int fd, short what, Handler handler)
    : loop_(loop), fd_(fd), handler_(std::move(handler)), what_(what),
      event_(event_new(loop.base(), fd, static_cast<short>(what | EV_PERSIST), ready, this))
{
    if (!event_)
        log::fatal("cannot watch descriptor ", fd);
    if (what != 0)
        add();
}

Watch::~Watch()
{
    if (destroyed_)
        *destroyed_ = true;
    event_free(event_);
}

void Watch::change(short what)
{
    if (what == what_)
        return;
    what_ = what;
    again_.reset();
    event_del(event_);
    event_assign(event_, loop_.base(), fd_, static_cast<short>(what | EV_PERSIST), ready, this);
    if (what != 0)
        add();
}

// The kernel limits for how many descriptors one can wait: whoever finds no room comes later, and nobody else is concerned.
void Watch::add()
{
    if (event_add(event_, nullptr) == 0)
        return;
    loop_.warn_of_lack(fd_);
    if (!again_)
        again_ = std::make_unique<Timer>(loop_, [this] { add(); });
    again_->start(retry_pause);
}

void Watch::ready(int, short what, void* self)
{
    auto* watch = static_cast<Watch*>(self);
    bool destroyed = false;
    watch->destroyed_ = &destroyed;
    Handler handler = std::move(watch->handler_);  // the handler may destroy the watch
    call(handler, what);
    if (destroyed)
        return;
    watch->handler_ = std::move(handler);
    watch->destroyed_ = nullptr;
}

Timer::Timer(Loop& loop, Handler handler) : handler_(std::move(handler)), event_(evtimer_new(loop.base(), fired, this)) {}
Timer::~Timer() { event_free(event_); }

void Timer::start(std::chrono::milliseconds delay)
{
    timeval time{delay.count() / 1000, delay.count() % 1000 * 1000};
    evtimer_add(event_, &time);
}

void Timer::stop() { evtimer_del(event_); }
bool Timer::pending() const { return evtimer_pending(event_, nullptr) != 0; }

void Timer::fired(int, short, void* self)
{
    Handler handler = static_cast<Timer*>(self)->handler_;  // a copy: the handler may destroy the timer
    call(handler);
}

Signal::Signal(Loop& loop, int number, std::function<void()> handler)
    : handler_(std::move(handler)), event_(evsignal_new(loop.base(), number, fired, this))
{
    if (!event_ || event_add(event_, nullptr) != 0)
        log::fatal("cannot wait for signal ", number);
}

Signal::~Signal() { event_free(event_); }

void Signal::fired(int, short, void* self)
{
    auto handler = static_cast<Signal*>(self)->handler_;
    call(handler);
}

}  // namespace mta::event
