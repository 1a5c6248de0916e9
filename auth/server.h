#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "auth/attempt.h"
#include "auth/params.h"
#include "base/fd.h"
#include "event/event.h"

namespace mta::auth {

// One connection of a client of ours: a front process, or a foreign Postfix or Exim.
class Connection {
public:
    Connection(Shared& shared, Fd fd, std::string greeting, std::function<void()> on_closed);
    ~Connection();
    Connection(const Connection&) = delete;
    int fd() const { return fd_.get(); }
    bool is_idle() const { return attempts_.empty() && out_.empty(); }

private:
    void ready(short what);
    bool read();
    bool take_lines();
    bool obey(const WireLine& line);
    bool begin(const WireLine& line);
    void redeem(const WireLine& line);
    void send(std::string_view text);
    bool flush();
    void close();

    Shared& shared_;
    Fd fd_;
    std::function<void()> on_closed_;
    std::string in_, out_;
    std::map<std::uint32_t, std::unique_ptr<Attempt>> attempts_;
    std::vector<std::unique_ptr<Attempt>> finished_;  // until nothing of theirs is on the stack any more
    bool has_version_ = false;
    event::Timer sweep_;
    event::Watch watch_;
};

// The daemon: listens, speaks the protocol, lets workers check.
class Server {
public:
    Server(event::Loop& loop, const Params& params, const std::vector<Fd>& listeners, Workers& workers);
    ~Server();
    void close_all_in_child();
    // Accepts nothing more; calls done when no login is in hand.
    void stop(std::function<void()> done);

private:
    void accept(int listener);
    std::string greeting();

    Penalty penalty_;
    Tickets tickets_;
    Shared shared_;
    std::vector<std::string> mechanisms_;
    std::vector<std::unique_ptr<event::Watch>> watches_;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::uint64_t next_ = 1;
    std::function<void()> when_idle_;
    event::Timer drain_, accept_again_;
};

}  // namespace mta::auth
