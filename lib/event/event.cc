#include "event/event.h"

#include <event2/event.h>

#include <exception>

#include "log/log.h"

namespace mta::event {

static_assert(readable == EV_READ && writable == EV_WRITE);

namespace {

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
    if (!base_)
        log::fatal("event_base_new failed");
}

Loop::~Loop() { event_base_free(base_); }
void Loop::run() { event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY); }
void Loop::stop() { event_base_loopbreak(base_); }
void Loop::reinit() { event_reinit(base_); }

Watch::Watch(Loop& loop, int fd, short what, Handler handler)
    : loop_(loop), fd_(fd), handler_(std::move(handler)), what_(what),
      event_(event_new(loop.base(), fd, static_cast<short>(what | EV_PERSIST), ready, this))
{
    if (!event_ || (what != 0 && event_add(event_, nullptr) != 0))
        log::fatal("cannot watch descriptor ", fd);
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
    event_del(event_);
    event_assign(event_, loop_.base(), fd_, static_cast<short>(what | EV_PERSIST), ready, this);
    if (what != 0)
        event_add(event_, nullptr);
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
    event_add(event_, nullptr);
}

Signal::~Signal() { event_free(event_); }

void Signal::fired(int, short, void* self)
{
    auto handler = static_cast<Signal*>(self)->handler_;
    call(handler);
}

}  // namespace mta::event
