#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace mta::bench {

using Clock = std::chrono::steady_clock;

inline double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// Something with a descriptor that the loop owns and calls.
class Source {
public:
    explicit Source(Fd fd) : fd_(std::move(fd)) {}
    virtual ~Source() = default;
    // False: the source is done; the loop destroys it.
    virtual bool ready(std::uint32_t events) = 0;
    int fd() const { return fd_.get(); }

private:
    friend class Loop;
    Fd fd_;
    std::list<std::unique_ptr<Source>>::iterator place_;
};

// epoll over all sources: one thread, so that all times are of one clock.
class Loop {
public:
    Loop();
    // Calls it when there is something to read.
    void add(std::unique_ptr<Source> source);
    // Whether it is also called when there is room to write.
    void want_write(Source& source, bool wanted);
    void run_once(int timeout_ms);

private:
    Fd epoll_;
    std::list<std::unique_ptr<Source>> sources_;
};

// A nonblocking socket on the way to 127.0.0.1, or one that listens there.
Fd connect_to(int port);
Fd listen_at(int port);
Fd accept_from(int listener);   // none when nobody waits

// A connection that writes what it can and keeps the rest.
class Connection : public Source {
public:
    Connection(Loop& loop, Fd fd) : Source(std::move(fd)), loop_(loop) {}
    bool ready(std::uint32_t events) override;

protected:
    bool send(std::string_view text);   // false: the connection is lost
    virtual bool received(std::string_view bytes) = 0;   // false: done
    virtual void lost() {}   // the peer is gone

private:
    bool flush();
    Loop& loop_;
    std::string unsent_;
    bool waits_for_room_ = false;
};

}  // namespace mta::bench
