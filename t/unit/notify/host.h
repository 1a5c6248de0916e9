#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "base/text.h"
#include "ipc/channel.h"
#include "notify/daemon.h"

// notify in a process of its own.
namespace mta::notify::test {

using namespace std::chrono_literals;

// A peer of notify's that speaks by hand.
class Peer {
public:
    explicit Peer(const std::string& socket) : channel_(*net::connect_unix(socket, 10s)) {}

    void send(const std::string& what, const std::string& key = "", const std::string& watches = "", Fd descriptor = Fd())
    {
        auto message = ipc::pack(service::News{what, key, watches});
        message.fd = std::move(descriptor);
        channel_.send(message, 10s);
    }
    // "what", or "closed"; the descriptor that came with it is in fd.
    std::string answer()
    {
        try {
            auto message = channel_.receive(10s);
            if (!message)
                return "closed";
            fd = std::move(message->fd);
            return std::string(message->find("what").value_or(""));
        } catch (const net::Lost& lost) {
            return lost.kind == net::Lost::Kind::timeout ? "silence" : "closed";
        }
    }
    std::string ask(const std::string& what, const std::string& key = "", const std::string& watches = "", Fd descriptor = Fd())
    {
        send(what, key, watches, std::move(descriptor));
        return answer();
    }
    // Whether it is woken within the time.
    bool is_told(std::chrono::milliseconds limit)
    {
        pollfd ready{channel_.fd(), POLLIN, 0};
        return ::poll(&ready, 1, static_cast<int>(limit.count())) > 0 && answer() == "woken";
    }
    int socket() const { return channel_.fd(); }

    Fd fd;

private:
    ipc::Channel channel_;
};

class Host {
public:
    explicit Host(Daemon::Limits limits = {})
    {
        char name[] = "/tmp/notify-test.XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        directory_ = name;
        std::vector<Fd> listeners;
        listeners.push_back(*net::listen_unix(socket(), 0666));
        pid_ = ::fork();
        if (pid_ == 0) {
            event::Loop loop;
            Daemon daemon(loop, listeners, limits);
            loop.run();
            ::_exit(0);
        }
    }
    ~Host()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        std::filesystem::remove_all(directory_);
    }
    Host(const Host&) = delete;

    std::string socket() const { return directory_ + "/notify"; }
    const std::string& directory() const { return directory_; }
    Peer connect() const { return Peer(socket()); }
    bool is_alive() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

private:
    std::string directory_;
    pid_t pid_ = -1;
};

}  // namespace mta::notify::test
