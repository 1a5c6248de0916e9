#pragma once

#include <chrono>
#include <functional>
#include <memory>

// libevent behind RAII: who waits owns a Watch or a Timer; destroying it ends the wait. A handler may destroy the
// object that called it. No exception may leave a handler: one that does is logged and ends the process.
struct event;
struct event_base;

namespace mta::event {

class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    void run();   // until stop()
    void stop();  // run() returns after the current handlers
    void reinit();  // in a child after fork
    event_base* base() { return base_; }
    void warn_of_lack(int fd);  // that cannot be watched now; once a minute

private:
    std::chrono::steady_clock::time_point next_warning_{};
    event_base* base_;
};

enum : short { readable = 2, writable = 4 };  // libevent's EV_READ, EV_WRITE

class Timer;

// Calls the handler whenever the descriptor is ready (level-triggered), until destroyed. When the kernel has no room for one more
// wait, it begins as soon as there is some.
class Watch {
public:
    using Handler = std::function<void(short what)>;
    Watch(Loop& loop, int fd, short what, Handler handler);
    ~Watch();
    Watch(const Watch&) = delete;
    void change(short what);  // wait for other events; 0 waits for nothing

private:
    static void ready(int fd, short what, void* self);
    void add();
    Loop& loop_;
    int fd_;
    Handler handler_;
    short what_;
    bool* destroyed_ = nullptr;
    ::event* event_;
    std::unique_ptr<Timer> again_;
};

// Calls the handler once, after start().
class Timer {
public:
    using Handler = std::function<void()>;
    Timer(Loop& loop, Handler handler);
    ~Timer();
    Timer(const Timer&) = delete;
    void start(std::chrono::milliseconds delay);  // a running timer starts anew
    void stop();
    bool pending() const;

private:
    static void fired(int fd, short what, void* self);
    Handler handler_;
    ::event* event_;
};

// Calls the handler in the loop (not in signal context) for each signal.
class Signal {
public:
    Signal(Loop& loop, int number, std::function<void()> handler);
    ~Signal();
    Signal(const Signal&) = delete;

private:
    static void fired(int fd, short what, void* self);
    std::function<void()> handler_;
    ::event* event_;
};

}  // namespace mta::event
