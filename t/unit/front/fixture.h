#pragma once

#include <catch2/catch.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "../keys/serve.h"
#include "../tls/keys.h"
#include "auth/server.h"
#include "base/file.h"
#include "base/text.h"
#include "front/server.h"
#include "ipc/channel.h"
#include "log/log.h"
#include "service/auth.h"
#include "service/session.h"
#include "tls/transport.h"

// front, keys and auth in processes of their own, with the test as client and as worker.
namespace mta::front::test {

using namespace std::chrono_literals;

class Child {
public:
    explicit Child(const std::function<void()>& life)
    {
        pid_ = ::fork();
        if (pid_ == 0) {
            try {
                life();
            } catch (const std::exception& error) {
                mta::log::error("unexpected: ", error.what());
            }
            ::_exit(0);
        }
    }
    ~Child()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    pid_t pid() const { return pid_; }

private:
    pid_t pid_;
};

// The client's side of one connection.
class Client {
public:
    Client(std::uint16_t port, std::string_view from) : stream_(connect(port, from)) {}

    void start_tls()
    {
        context_.emplace(tls::test::client_context());
        auto transport = std::make_unique<tls::Transport>(stream_.fd(), *context_);
        transport->handshake(std::chrono::steady_clock::now() + 5s);
        stream_.set_transport(std::move(transport));
    }
    void say(std::string_view text)
    {
        stream_.write(text);
        stream_.flush(5s);
    }
    std::string line() { return stream_.line(10s); }
    // All lines of an SMTP reply, put together by '|'.
    std::string reply()
    {
        std::string all;
        while (true) {
            auto one = line();
            all += cat(all.empty() ? "" : "|", one);
            if (one.size() < 4 || one[3] != '-')
                return all;
        }
    }
    std::string ask(std::string_view command)
    {
        say(cat(command, "\r\n"));
        return reply();
    }
    // The first line of the answer.
    std::string ask_line(std::string_view command)
    {
        say(cat(command, "\r\n"));
        return line();
    }
    // True if the server has closed the connection.
    bool is_closed()
    {
        try {
            return stream_.peek(10s).empty();
        } catch (const net::Lost& lost) {
            return lost.kind != net::Lost::Kind::timeout;
        }
    }
    net::Stream& stream() { return stream_; }

private:
    static Fd connect(std::uint16_t port, std::string_view from)
    {
        auto fd = net::connect_tcp({*net::Address::parse("127.0.0.1"), port}, 5s, *net::Address::parse(from));
        if (!fd)
            throw std::runtime_error(fd.error().text);
        return *std::move(fd);
    }
    std::optional<tls::Context> context_;
    net::Stream stream_;
};

// What a worker has got: its connection to front, and the client.
struct Work {
    ipc::Channel front;
    service::Session session;
    std::string ticket;
    net::Stream client;

    void give_back(bool with_descriptor)
    {
        session.state = "idle";
        auto message = ipc::pack(session);
        if (with_descriptor)
            message.fd = client.release_fd();
        front.send(message);
    }
};

class Site {
public:
    // settings: lines of main.cf; "tls" gives the server a certificate.
    explicit Site(const std::string& worker, const std::string& settings = "", bool with_auth = false)
        : worker_(worker), listener_(listen()), port_(net::Endpoint::local_of(listener_.get()).port),
          sessions_(*net::listen_unix(path("session"), 0600))
    {
        directory_.write("chain.pem", tls::test::shared_pem());
        directory_.write("users", "anna@example.com:{PLAIN}secret:5000:5001::/home/anna::\notto:{PLAIN}secret:5000:5001::/home/otto::nologin\n");
        auto text = cat("myhostname=mail.test\nmynetworks=192.0.2.0/24\nauth_failure_delay=10ms\nsmtpd_error_sleep_time=0\nsmtpd_sasl_auth_enable=yes\n"
                        "auth_users=passwd-file:", path("users"), "\nsmtpd_tls_chain_files=", path("chain.pem"), "\n", settings, "\n");
        config_.emplace(*config::Config::parse(text));
        if (with_auth)
            start_auth();
        start_keys();
        front_ = std::make_unique<Child>([this] { run_front(); });
    }

    Client connect(std::string_view from = "127.0.0.1") const { return {port_, from}; }
    std::uint16_t port() const { return port_; }

    Work next_work()
    {
        if (!net::wait_ready(sessions_.get(), POLLIN, std::chrono::steady_clock::now() + 10s))
            throw std::runtime_error("no session came");
        ipc::Channel channel{Fd(::accept4(sessions_.get(), nullptr, nullptr, SOCK_CLOEXEC))};
        auto message = channel.receive(10s);
        std::string ticket;
        if (message && !message->find("protocol")) {
            ticket = ipc::unpack<service::Ticket>(*message)->ticket;
            message = channel.receive(10s);
        }
        if (!message)
            throw std::runtime_error("no session came");
        auto session = ipc::unpack<service::Session>(*message);
        if (!session)
            throw std::runtime_error(session.error().text);
        net::Stream client(std::move(message->fd));
        client.unread(session->pending);
        return {std::move(channel), *session, ticket, std::move(client)};
    }

    // Waits until the log has the text.
    bool logged(std::string_view text) const
    {
        for (int i = 0; i < 200; ++i) {
            if (log_text().find(text) != std::string::npos)
                return true;
            ::usleep(10000);
        }
        return false;
    }
    std::string log_text() const
    {
        auto text = read_file(path("log"));
        return text ? *text : "";
    }
    pid_t front() const { return front_->pid(); }
    std::string path(const std::string& name) const { return (directory_.path / name).string(); }

private:
    static Fd listen()
    {
        auto fd = net::listen_tcp({*net::Address::parse("127.0.0.1"), 0});
        if (!fd)
            throw std::runtime_error(fd.error().text);
        return *std::move(fd);
    }

    void start_auth()
    {
        auth_listener_.push_back(*net::listen_unix(path("auth"), 0600));
        auth_ = std::make_unique<Child>([this] {
            mta::log::open_file(path("log"));
            event::Loop loop;
            const auth::Params params(*config_);
            auto users = auth::open_users(params.user.users);
            auth::Checker checker(**users, {params.mail_location, "", "", "PLAIN", "secret"});
            auth::Workers workers(loop, 2, checker, [] {});
            auth::Server server(loop, params, auth_listener_, workers);
            loop.run();
        });
    }

    void start_keys()
    {
        keys_listener_.push_back(*net::listen_unix(path("keys"), 0600));
        if (auto made = service::Secret::make(path("keys.secret")); !made)
            throw std::runtime_error(made.error().text);
        keys_ = std::make_unique<Child>([this] {
            mta::log::open_file(path("log"));
            const Settings settings(*config_, worker_, "service");
            std::vector<keys::Grant> grants;
            if (settings.tls.is_on() && settings.tls.has_certificate())
                grants.push_back({"service", settings.tls.certificates()});
            keys::test::serve(grants, path("keys.secret"), keys_listener_);
        });
    }

    void run_front()
    {
        mta::log::open_file(path("log"));
        event::Loop loop;
        const Settings settings(*config_, worker_, "service");
        std::vector<Fd> listeners;
        listeners.push_back(std::move(listener_));
        Server server(loop, settings, {path("session"), path("auth"), path("dns"), path("notify")});
        auto ticket = service::keys_ticket(*service::Secret::load(path("keys.secret")), service::tls_key_set, "service");
        server.start(listeners, {path("keys"), "service", ticket});
        loop.run();
    }

    tls::test::Directory directory_;
    std::string worker_;
    Fd listener_;
    std::uint16_t port_;
    Fd sessions_;
    std::optional<config::Config> config_;
    std::vector<Fd> auth_listener_, keys_listener_;
    std::unique_ptr<Child> auth_, keys_, front_;
};

}  // namespace mta::front::test
